/** Keys of the listening tools, while the focus is among them: single letters would disturb who writes elsewhere. */
import type { View } from '../../shared/sound/views'

/** In the order of their keys, 0 to 4. */
export const VIEWS: readonly View[] = ['raw', 'bell', 'diaphragm', 'extended', 'lung']

export type Act =
  | { do: 'view'; view: View }
  | { do: 'louder' | 'softer' | 'noise' | 'play' | 'loop' | 'speed' | 'mark' | 'live' }

const LETTERS: ReadonlyMap<string, Act> = new Map(Object.entries({
  p: { do: 'play' },
  l: { do: 'loop' },
  s: { do: 'speed' },
  m: { do: 'mark' },
  n: { do: 'noise' },
  '+': { do: 'louder' },
  '-': { do: 'softer' },
  Escape: { do: 'live' },
} satisfies Record<string, Act>))

interface Pressed {
  key: string
  altKey: boolean
  ctrlKey: boolean
  metaKey: boolean
  repeat?: boolean
}

/** What a key means; undefined for every other, with a modifier, and while something is being written. */
export function actOf(pressed: Pressed, writing: boolean): Act | undefined {
  if (pressed.altKey || pressed.ctrlKey || pressed.metaKey || (writing && pressed.key !== 'Escape')) return undefined
  const volume = pressed.key === '+' || pressed.key === '-'
  if (pressed.repeat && !volume) return undefined
  const view = /^[0-4]$/.test(pressed.key) ? VIEWS[Number(pressed.key)] : undefined
  if (view !== undefined) return { do: 'view', view }
  return LETTERS.get(pressed.key.length === 1 ? pressed.key.toLowerCase() : pressed.key)
}
