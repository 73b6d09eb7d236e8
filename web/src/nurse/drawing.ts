/** Between the page and `jpeg.worker.ts`. */
export interface Drawing {
  picture: ImageBitmap
  width: number
  height: number
  quality: number
}
/** null: the browser could not. */
export interface Drawn {
  blob: Blob | null
}
