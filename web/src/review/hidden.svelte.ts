/** When something was last hidden or shown of a patient: what is on the page is then read anew, what is typed stays. */
class Hidden {
  /** Row of the log, 0: nothing yet. A hub that started later has heard of less than another. */
  seq = $state(0)

  told(seq: number): void {
    if (seq > this.seq) this.seq = seq
  }
}

export const hidden = new Hidden()
