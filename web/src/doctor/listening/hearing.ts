/** How the body sound is made for the doctor's ear: through which filter, and whether noise is taken down. Pure. */
import type { View } from '../../shared/sound/views'

export interface Hearing {
  readonly view: View
  /** The quieter view: off until it is asked for. */
  readonly quieter: boolean
}

export const USUAL_HEARING: Hearing = { view: 'extended', quieter: false }

/** Nothing at all between the sound and the ear. */
export function isRaw({ view, quieter }: Hearing): boolean {
  return view === 'raw' && !quieter
}

/** Another filter; `raw` is raw, so it ends the quieter view too. */
export function through(hearing: Hearing, view: View): Hearing {
  return { view, quieter: hearing.quieter && view !== 'raw' }
}

export function quieten(hearing: Hearing, on = !hearing.quieter): Hearing {
  return { ...hearing, quieter: on }
}
