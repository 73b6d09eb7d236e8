/** One person's stream in a video element, and whether the browser keeps it silent until somebody presses. */
export class Playing {
  silent = $state(false)
  #video: HTMLVideoElement | undefined

  show(video: HTMLVideoElement, stream: MediaStream): void {
    this.#video = video
    video.srcObject = stream
    this.press()
  }

  /** From a click too: browsers play nothing aloud before one. */
  press(): void {
    this.#video?.play().then(() => (this.silent = false), () => (this.silent = true))
  }
}
