/** What a proof says, as sentences in the language chosen. */
import { type PathMeasure, range, TOLERANCE_DB } from '../../shared/sound/proofMeasure'
import { language, t } from '../../shared/words.svelte'
import type { Proof, ProvingState } from './proving.svelte'

/** Fewer packets lost than this, and loss is not what is wrong. */
const LOST_AT_LEAST = 0.005

/** "1 000", "−22,4", and never "−0". */
export function number(value: number, digits = 0): string {
  const rounded = Math.round(value * 10 ** digits) / 10 ** digits + 0
  return rounded.toLocaleString(language.locale, { maximumFractionDigits: digits }).replace('-', '−')
}

export function percent(share: number): string {
  return number(share * 100, share > 0 && share < 0.01 ? 1 : 0)
}

/** The state of the sound path in one sentence. */
export function pathText(state: ProvingState, last: Proof | null): string {
  if (state !== 'proved' || last === null) return t(`path.${state === 'proved' ? 'off' : state}`)
  const { word, measured } = last
  if (word === 'good') return goodText(measured)
  if (word === 'filtered') return filteredText(measured)
  if (word === 'slow') return t('path.slow', { ms: number(measured.latencyMs ?? 0) })
  if (word === 'interrupted') return t(uneven(last) ? 'path.uneven' : 'path.interrupted', { n: percent(measured.missing), pauses: measured.pauses })
  return t(`path.${word}`)
}

/** What to do about it; empty when there is nothing. */
export function pathHelp(state: ProvingState, last: Proof | null): string {
  if (state === 'unanswered') return t('path.help.unanswered')
  if (state !== 'proved' || last === null || last.word === 'good') return ''
  return t(uneven(last) ? 'path.help.uneven' : `path.help.${last.word}`)
}

/** Every packet came, and some too late: then it is this computer, or a way that delays, not one that loses. */
function uneven({ word, measured }: Proof): boolean {
  return word === 'interrupted' && measured.packetsLost !== null && measured.packetsLost < LOST_AT_LEAST
}

function goodText(measured: PathMeasure): string {
  const [low, high] = range(measured) ?? [0, 0]
  const covered = { low: number(low), high: number(high) }
  if (measured.latencyMs === null) return t('path.good.no_clock', covered)
  return t('path.good', { ...covered, ms: number(measured.latencyMs) })
}

/** The frequencies that are off on the side of the worst one, and by how much that is. */
function filteredText(measured: PathMeasure): string {
  const off = measured.response.flatMap(({ hz, answer }) => ('db' in answer && Math.abs(answer.db) > TOLERANCE_DB ? [{ hz, db: answer.db }] : []))
  const worst = off.reduce((most, one) => (Math.abs(one.db) > Math.abs(most.db) ? one : most), { hz: 0, db: 0 })
  const same = off.filter(({ db }) => Math.sign(db) === Math.sign(worst.db)).map(({ hz }) => hz)
  const [first, last] = [Math.min(...same), Math.max(...same)]
  const hz = first === last ? number(first) : `${number(first)}–${number(last)}`
  const most = number(Math.abs(worst.db), 1)
  const db = first === last ? most : t('path.up_to', { n: most })
  return t(worst.db < 0 ? 'path.filtered.weak' : 'path.filtered.strong', { hz, db })
}
