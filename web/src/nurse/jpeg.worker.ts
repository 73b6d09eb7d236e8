/** Draws and encodes beside the page, which goes on showing and measuring meanwhile. */
import type { Drawing, Drawn } from './drawing'

self.onmessage = async ({ data }: MessageEvent<Drawing>): Promise<void> => {
  const { picture, width, height, quality } = data
  let drawn: Drawn
  try {
    const canvas = new OffscreenCanvas(width, height)
    canvas.getContext('2d')?.drawImage(picture, 0, 0, width, height)
    drawn = { blob: await canvas.convertToBlob({ type: 'image/jpeg', quality }) }
  } catch {
    drawn = { blob: null }
  }
  picture.close()
  self.postMessage(drawn)
}
