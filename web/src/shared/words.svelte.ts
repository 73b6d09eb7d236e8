/** Sentences made of wire objects: ages, requests, readings; in the language chosen. */
import { clock } from './clock.svelte'
import { ageOf, clockTime, dayAndTime, headline, sameDay, spanOf } from './format'
import { language, t, tCode, tMaybe } from './i18n/language.svelte'
import type { Circumstances, DeviceStatus, ReadingView, RequestKind } from './wire'

export { language, t, tCode, tMaybe } from './i18n/language.svelte'

/** "nu", "12 s", "4 min". */
export function ageText(iso: string): string {
  const { unit, n } = ageOf(Date.parse(iso), clock.nowMs)
  return unit === 'now' ? t('age.now') : t(`age.${unit}`, { n })
}

export function agoText(iso: string): string {
  const { unit } = ageOf(Date.parse(iso), clock.nowMs)
  return unit === 'now' ? t('age.now') : t('age.ago', { age: ageText(iso) })
}

export function timeText(iso: string | null | undefined, withSeconds = false): string {
  return clockTime(iso, language.locale, withSeconds)
}

/** "07:12" today, "24 nov. 2026 07:12" on another day. */
export function whenText(iso: string): string {
  return sameDay(iso, clock.nowMs) ? timeText(iso) : dayAndTime(iso, language.locale)
}

/** "37 min", "2 h", "56 år". */
export function spanText(seconds: number): string {
  const { unit, n } = spanOf(seconds)
  return t(`age.${unit}`, { n })
}

/** "går 37 min före", by how much a clock is off. */
export function clockErrorText(errorS: number): string {
  return t(errorS > 0 ? 'clock.fast' : 'clock.slow', { span: spanText(errorS) })
}

/** "vänster arm, sittande", or the point to listen at. */
export function circumstancesText(circumstances: Circumstances): string {
  const words = []
  if (circumstances.point) words.push(t(`point.${circumstances.point}`))
  if (circumstances.site) words.push(t(`site.${circumstances.site}`))
  if (circumstances.posture) words.push(t(`posture.${circumstances.posture}`))
  return words.join(', ')
}

/** "Blodtryck, vänster arm, sittande". */
export function requestText(kind: RequestKind, circumstances: Circumstances): string {
  const how = circumstancesText(circumstances)
  return how === '' ? t(`kind.${kind}`) : `${t(`kind.${kind}`)}, ${how}`
}

/** A word inside a sentence: "Blodtryck" → "blodtryck", but "CRP" and "SpO₂" stay as they are. */
export function inSentence(text: string): string {
  return /^\p{Lu}\p{Ll}{2}/u.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text
}

/** "128/82 mmHg", or the device's error as a sentence. */
export function readingText(reading: ReadingView['reading']): string {
  if (reading.problem) return tCode(reading.problem)
  const { main } = headline(reading, language.locale, t('unit.per_minute'))
  const seen = seenText(reading)
  if (seen !== '') return main === undefined ? seen : `${seen}, ${main.text} ${main.unit}`
  return main === undefined ? '' : `${main.text} ${main.unit}`
}

/** What a nurse chose: "Vaken", "Får syrgas"; empty for what is a number alone. */
export function seenText({ seen }: Pick<ReadingView['reading'], 'seen'>): string {
  if (seen?.consciousness) return t(`consciousness.${seen.consciousness}`)
  return seen?.breathes ? t(`breathes.${seen.breathes}`) : ''
}

/** An instrument's state in a word or two: what it does, or why it does not answer. */
export function stateText(device: DeviceStatus): string {
  return (device.detail && tMaybe('detail', device.detail)) || t(`state.${device.state}`)
}

/** What to do about it: asleep, out of reach and in need of pairing each have their own answer. Empty if nothing. */
export function adviceText({ state, detail, kind }: DeviceStatus): string {
  return tMaybe('device.help', `${state}.${detail}`) || tMaybe('device.help', `${state}.${kind}`) || tMaybe('device.help', state)
}
