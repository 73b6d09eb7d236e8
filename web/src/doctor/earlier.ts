/** On what ground the earlier visits are open now; the hub decides, this only knows the clock between two answers. */
import type { EarlierAccess } from '../shared/wire'

export type Ground = 'same_provider' | 'consent' | 'emergency' | 'none'

/** Consent goes before emergency: what the patient allows is no emergency. */
export function groundOf(access: EarlierAccess | null, nowMs: number): Ground {
  if (access === null) return 'none'
  if (access.same_provider) return 'same_provider'
  if (access.consent && nowMs < Date.parse(access.consent.valid_until)) return 'consent'
  return lasts(access, nowMs) ? 'emergency' : 'none'
}

/** Whether the doctor's emergency access lasts, whatever else is open. */
export function lasts(access: EarlierAccess | null, nowMs: number): boolean {
  return access?.emergency !== null && access?.emergency !== undefined && nowMs < Date.parse(access.emergency.expires_at)
}

/** Begun minutes, so that it says 1 until it is over. */
export function minutesLeft(expiresAt: string, nowMs: number): number {
  return Math.max(0, Math.ceil((Date.parse(expiresAt) - nowMs) / 60_000))
}

/** As the hub asks it: five letters at least. */
export function isReason(text: string): boolean {
  return (text.match(/\p{L}/gu) ?? []).length >= 5
}
