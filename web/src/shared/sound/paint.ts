/** Colours of a picture of sound: custom properties of the canvas's parent, worked out for the theme of now. */
import type { Theme } from './heat'

export interface Colours {
  trace: string
  grid: string
  mark: string
  gap: string
  cursor: string
  flag: string
  theme: Theme
}

/** --phono-trace, --phono-grid, --phono-mark, --phono-gap, --phono-cursor, --phono-flag, or the page's own colours. */
export function coloursOf(canvas: HTMLCanvasElement): Colours {
  // a canvas does not understand light-dark(): let the browser work the colour out on a real element
  const probe = document.createElement('span')
  canvas.parentElement?.append(probe)
  const colour = (value: string): string => {
    probe.style.color = value
    return getComputedStyle(probe).color
  }
  const own = (name: string, otherwise: string): string => colour(`var(--phono-${name}, var(${otherwise}, CanvasText))`)
  const found: Colours = {
    trace: own('trace', '--accent'),
    grid: own('grid', '--line'),
    mark: own('mark', '--ink-2'),
    gap: own('gap', '--edge'),
    cursor: own('cursor', '--edge'),
    flag: own('flag', '--ink'),
    theme: colour('light-dark(#000000, #ffffff)').includes('255') ? 'dark' : 'light',
  }
  probe.remove()
  return found
}

/** Calls back when the page becomes light or dark; the returned function ends that. */
export function onTheme(act: () => void): () => void {
  const themed = new MutationObserver(act)
  themed.observe(document.documentElement, { attributeFilter: ['data-theme'] })
  const dim = matchMedia('(prefers-color-scheme: dark)')
  dim.addEventListener('change', act)
  return () => {
    themed.disconnect()
    dim.removeEventListener('change', act)
  }
}

/** Gives a canvas as many pixels as it covers; true if that changed. */
export function fit(canvas: HTMLCanvasElement, ratio: number): boolean {
  const box = canvas.getBoundingClientRect()
  const width = Math.max(1, Math.round(box.width * ratio))
  const height = Math.max(1, Math.round(box.height * ratio))
  if (canvas.width === width && canvas.height === height) return false
  canvas.width = width
  canvas.height = height
  return true
}

/** Dense hatching: the kit has no sound there; wide: it has not come here (yet). */
export function hatch(context: CanvasRenderingContext2D, x: number, colour: string, ratio: number, dense: boolean): void {
  const step = Math.round((dense ? 6 : 12) * ratio)
  context.fillStyle = colour
  for (let y = step - (x % step); y < context.canvas.height; y += step) context.fillRect(x, y, 1, ratio)
}
