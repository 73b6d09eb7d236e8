/** Any picture as a JPEG of at most 2048 px: redrawn, so that place, time and camera data of the file do not come along. */
const LONGEST_PX = 2048
const QUALITY = 0.88

/** The size that fits in `longest` with the same shape; never larger than it was. */
export function fitted(width: number, height: number, longest = LONGEST_PX): { width: number; height: number } {
  const scale = Math.min(1, longest / Math.max(width, height))
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

/** Throws when the browser cannot read the file as a picture. */
export async function asJpeg(source: Blob | HTMLVideoElement): Promise<Blob> {
  const picture = await createImageBitmap(source)
  try {
    const size = fitted(picture.width, picture.height)
    const canvas = document.createElement('canvas')
    canvas.width = size.width
    canvas.height = size.height
    canvas.getContext('2d')?.drawImage(picture, 0, 0, size.width, size.height)
    return await new Promise((resolve, reject) => {
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no picture'))), 'image/jpeg', QUALITY)
    })
  } finally {
    picture.close()
  }
}
