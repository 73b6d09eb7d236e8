/** Results of the headphone check, remembered in this browser for each device by its name. Nothing about a patient. */
import { EARS, type HeadphoneResult, type Place, TONES_HZ } from './headphonesCheck'

export interface Remembered extends HeadphoneResult {
  /** As the browser calls it; empty where it does not say. */
  device: string
  /** ISO 8601. */
  at: string
}

const KEY = 'carebag.headphones'
const MOST = 8
const PLACES: readonly Place[] = [...EARS, 'both', 'nowhere']
type Store = Pick<Storage, 'getItem' | 'setItem'>

/** The last result for a device; null when there is none, or none that can be read. */
export function remembered(device: string, store: Store = localStorage): Remembered | null {
  return all(store).find((one) => one.device === device) ?? null
}

export function remember(result: Remembered, store: Store = localStorage): void {
  const others = all(store).filter((one) => one.device !== result.device)
  try {
    store.setItem(KEY, JSON.stringify([result, ...others].slice(0, MOST)))
  } catch {
    // a browser that keeps nothing: the check is made again next time
  }
}

function all(store: Store): Remembered[] {
  try {
    const kept: unknown = JSON.parse(store.getItem(KEY) ?? '[]')
    return Array.isArray(kept) ? kept.filter(isRemembered) : []
  } catch {
    return []
  }
}

function isRemembered(one: unknown): one is Remembered {
  if (typeof one !== 'object' || one === null) return false
  const { device, at, lowestHz, left, right, unsure } = one as Record<string, unknown>
  const tone = lowestHz === null || (TONES_HZ as readonly unknown[]).includes(lowestHz)
  const places = [left, right].every((place) => (PLACES as readonly unknown[]).includes(place))
  const dated = typeof at === 'string' && !Number.isNaN(Date.parse(at))
  return tone && places && dated && typeof device === 'string' && typeof unsure === 'boolean'
}
