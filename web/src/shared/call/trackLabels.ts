/** What the kit says of its tracks in an offer: which `mid` is the camera, exact sound, monitor sound or the kit's voice. */
export type TrackLabel = 'camera' | 'exact' | 'monitor' | 'talk'

const LABELS: readonly string[] = ['camera', 'exact', 'monitor', 'talk'] satisfies TrackLabel[]

/** The label of a track by its `mid`; null where the offer says none (a kit from before), or something unknown. */
export function labelOf(offer: object, mid: string | null): TrackLabel | null {
  const { tracks } = offer as { tracks?: unknown }
  if (typeof tracks !== 'object' || tracks === null || mid === null || !Object.hasOwn(tracks, mid)) return null
  const label = (tracks as Record<string, unknown>)[mid]
  return typeof label === 'string' && LABELS.includes(label) ? (label as TrackLabel) : null
}
