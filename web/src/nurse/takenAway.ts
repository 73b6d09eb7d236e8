/** Takes a part of the page out of the document and puts it back as it was: what runs in it runs on. */

/**
 * Nothing of it is on the screen, in print, read aloud or in the document meanwhile; what its components hold, what was
 * typed, and voices that play stay. Gives what puts it back.
 */
export function takenAway(part: HTMLElement): () => void {
  const place = document.createComment('')
  const scrolled = [...part.querySelectorAll('*')].filter((one) => one.scrollTop > 0).map((one) => [one, one.scrollTop] as const)
  const down = window.scrollY
  const focused = part.contains(document.activeElement) ? (document.activeElement as HTMLElement) : null
  const dialogs = [...part.querySelectorAll('dialog')].filter((one) => one.matches(':modal'))
  const heard = [...part.querySelectorAll<HTMLMediaElement>('video, audio')].filter((one) => !one.paused)
  const playOn = (event: Event): void => void (event.currentTarget as HTMLMediaElement).play().catch(() => undefined)
  // a browser pauses what leaves the document, a moment later
  for (const one of heard) one.addEventListener('pause', playOn, { once: true })
  part.replaceWith(place)
  return () => {
    for (const one of heard) one.removeEventListener('pause', playOn)
    if (!place.isConnected) return
    place.replaceWith(part)
    for (const one of heard) if (one.paused) void one.play().catch(() => undefined)
    for (const one of dialogs) {
      if (!one.isConnected) continue
      one.removeAttribute('open')
      one.showModal()
    }
    for (const [one, top] of scrolled) one.scrollTop = top
    window.scrollTo(0, down)
    focused?.focus({ preventScroll: true })
  }
}
