/** On which rung of the ladder a visit stands, as a page shows it: the kit says it, or nobody hears of the kit any more. */
import type { Ladder } from './wire'

export type Rung = Ladder['rung']
type Low = Ladder & { rung: Exclude<Rung, 'live' | 'less_video'> }

/** What a console can tell by itself. */
export interface ConsoleSees {
  /** What the kit said last; null: nothing to climb down from. */
  ladder: Ladder | null
  /** The hub hears of the kit. */
  kitOnline: boolean
  /** Since when that is so, ms. */
  kitSinceMs: number
  /** Picture and sound flow from kit to page, whatever the hub hears. */
  linked: boolean
  /** Since when they do not that did before, ms; 0: they do, or never did. */
  lostAtMs: number
  telephone: string
  nowMs: number
}

const AWAY_AFTER_MS = 6000
const TELEPHONE_AFTER_MS = 45_000

/** The kit's word as long as it is heard; then the page's own. `telephone` is the number to show to this side. */
export function ladderForConsole(sees: ConsoleSees): Ladder | null {
  const since = goneSince(sees)
  const awayMs = since === 0 ? 0 : sees.nowMs - since
  if (awayMs < AWAY_AFTER_MS) return sees.ladder === null ? null : { ...sees.ladder, telephone: sees.telephone }
  const rung = awayMs < TELEPHONE_AFTER_MS ? 'store_and_forward' : 'telephone'
  return { rung, why: sees.kitOnline ? 'no_path' : 'hub_away', since: new Date(since).toISOString(), telephone: sees.telephone }
}

/** Since when nothing of the kit comes here at once; 0 while something does. */
function goneSince({ kitOnline, kitSinceMs, linked, lostAtMs }: ConsoleSees): number {
  if (linked) return 0
  if (kitOnline) return lostAtMs
  return lostAtMs > 0 ? Math.min(lostAtMs, kitSinceMs) : kitSinceMs
}

/** Whether a page should speak of it beyond the small word that is always there. */
export function needsWords(ladder: Ladder | null): ladder is Low {
  return ladder !== null && ladder.rung !== 'live' && ladder.rung !== 'less_video'
}

/** The word to show: what the kit said last is no news any more while the hub does not answer this page. */
export function rungShown(ladder: Ladder | null, hubAway: boolean): Rung | 'hub_away' | undefined {
  return ladder !== null && hubAway && !isOut(ladder) ? 'hub_away' : ladder?.rung
}

/** Nothing goes at once between kit and doctor. */
export function isOut(ladder: Ladder | null): boolean {
  return ladder !== null && (ladder.rung === 'store_and_forward' || ladder.rung === 'telephone')
}

/** For `tel:` (RFC 3966): digits, and a plus in front. */
export function dialled(telephone: string): string {
  return (telephone.trim().startsWith('+') ? '+' : '') + telephone.replace(/\D/g, '')
}
