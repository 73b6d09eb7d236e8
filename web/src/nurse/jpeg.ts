/**
 * Any picture as a JPEG of at most 2048 px: redrawn, so that place, time and camera data of the file do not come along.
 * Beside the page (`jpeg.worker.ts`): on the page itself it stopped sound and picture of a small computer for 0.3 s.
 */
import type { Drawing, Drawn } from './drawing'

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
  const worker = new Worker(new URL('./jpeg.worker.ts', import.meta.url), { type: 'module' })
  try {
    const drawing: Drawing = { picture, ...fitted(picture.width, picture.height), quality: QUALITY }
    return await new Promise((resolve, reject) => {
      const failed = (): void => reject(new Error('no picture'))
      worker.onmessage = ({ data }: MessageEvent<Drawn>): void => (data.blob ? resolve(data.blob) : failed())
      worker.onerror = failed
      worker.postMessage(drawing, [picture])
    })
  } finally {
    worker.terminate()
  }
}
