/** The morning check: what about the bag needs a hand before the first visit. Pure: the time is a parameter. */
import { sameDay } from '../shared/format'
import type { Cartridge, DeviceStatus, KitState } from '../shared/wire'

export type DeviceRemark = 'needs_pairing' | 'not_here' | 'battery_low' | 'clock_off' | 'clock_not_set'
export type CartridgeState = 'expired' | 'soon' | 'ok'

/** At this much and below the instrument may not last the day. */
export const LOW_BATTERY_PERCENT = 20
const SOON_DAYS = 30

/** What is not as it should be, the gravest first. Asleep is as it should be: it wakes with its button. */
export function remarksOfDevice(device: DeviceStatus): DeviceRemark[] {
  const remarks: DeviceRemark[] = []
  if (device.state === 'needs_pairing' || device.bond === 'lost') remarks.push('needs_pairing')
  else if (device.state === 'lost' || device.state === 'unseen' || device.state === 'off') remarks.push('not_here')
  if (device.battery_percent !== null && device.battery_percent <= LOW_BATTERY_PERCENT) remarks.push('battery_low')
  if (device.clock === 'not_set') remarks.push('clock_not_set')
  else if (device.clock === 'off') remarks.push('clock_off')
  return remarks
}

/** `expires` is the last day on which it may be used; `nowMs` is read by this page's calendar. */
export function cartridgeState(cartridge: Pick<Cartridge, 'expires'>, nowMs: number): CartridgeState {
  const days = daysLeft(cartridge.expires, nowMs)
  return days < 0 ? 'expired' : days <= SOON_DAYS ? 'soon' : 'ok'
}

export function daysLeft(expires: string, nowMs: number): number {
  const now = new Date(nowMs)
  const today = Date.UTC(now.getFullYear(), now.getMonth(), now.getDate())
  return Math.round((Date.parse(`${expires}T00:00:00Z`) - today) / 86_400_000)
}

/** The nearest expiry first. */
export function inExpiryOrder(cartridges: readonly Cartridge[]): Cartridge[] {
  return [...cartridges].sort((a, b) => a.expires.localeCompare(b.expires) || a.lot.localeCompare(b.lot))
}

export function checkedToday(state: Pick<KitState, 'check'>, nowMs: number): boolean {
  return state.check !== null && sameDay(state.check.at, nowMs)
}

/** The stethoscope was heard today. */
export function soundHeardToday(state: Pick<KitState, 'loop_test'>, nowMs: number): boolean {
  return state.loop_test?.state === 'heard' && sameDay(state.loop_test.at, nowMs)
}

/** The mark of a line: whatever counts as a remark below has the triangle, also the sound test that nobody made yet. */
export function soundMark(state: Pick<KitState, 'loop_test'>, nowMs: number): 'full' | 'moving' | 'triangle' {
  if (soundHeardToday(state, nowMs)) return 'full'
  return state.loop_test?.state === 'running' && sameDay(state.loop_test.at, nowMs) ? 'moving' : 'triangle'
}

type Bag = Pick<KitState, 'devices' | 'cartridges' | 'loop_test' | 'radio_problem' | 'hub'>

/** How many lines need attention. */
export function countRemarks(state: Bag, nowMs: number): number {
  const instruments = state.devices.filter((one) => one.kind !== 'camera')
  const has = (kind: DeviceStatus['kind']): boolean => instruments.some((one) => one.kind === kind)
  const usable = state.cartridges.filter((one) => cartridgeState(one, nowMs) !== 'expired')
  return [
    ...instruments.map((one) => remarksOfDevice(one).length > 0),
    ...state.cartridges.map((one) => cartridgeState(one, nowMs) !== 'ok'),
    has('crp_analyser') && usable.length === 0 && state.cartridges.length === 0,
    has('stethoscope') && !soundHeardToday(state, nowMs),
    state.radio_problem !== null,
    state.hub === 'offline',
  ].filter((needed) => needed).length
}
