import { describe, expect, test } from 'vitest'
import { cartridgeState, checkedToday, countRemarks, daysLeft, inExpiryOrder, remarksOfDevice, soundHeardToday, soundMark } from '../../src/nurse/check'
import type { Cartridge, DeviceStatus } from '../../src/shared/wire'

const NOW = new Date(2026, 10, 26, 7, 12).getTime()

function device(over: Partial<DeviceStatus> = {}): DeviceStatus {
  const known = { maker: '', model: '', serial: '', firmware: '', udi: null, way: 'bluetooth', bond: 'bonded', press: null, clock: 'right', clock_error_s: 2, clock_read_at: null } as const
  return { id: 'c', kind: 'cuff', name: 'UA-651', state: 'ready', detail: '', progress: null, battery_percent: 80, last_seen: null, simulated: false, ...known, ...over }
}
function cartridge(expires: string, lot = 'A'): Cartridge {
  return { id: lot, product: 'CRP', lot, expires, added_at: '2026-11-20T07:00:00Z', added_by: 'Anna Lind' }
}

describe('an instrument', () => {
  test('that is ready or asleep needs nothing', () => {
    expect(remarksOfDevice(device())).toEqual([])
    expect(remarksOfDevice(device({ state: 'asleep' }))).toEqual([])
    expect(remarksOfDevice(device({ clock: 'unknown', battery_percent: null, bond: 'none' }))).toEqual([])
  })
  test.each([
    ['needs_pairing', { state: 'needs_pairing' }],
    ['needs_pairing', { state: 'asleep', bond: 'lost' }],
    ['not_here', { state: 'lost', detail: 'out_of_reach' }],
    ['not_here', { state: 'unseen' }],
    ['battery_low', { battery_percent: 20 }],
    ['clock_off', { clock: 'off', clock_error_s: 2220 }],
    ['clock_not_set', { clock: 'not_set' }],
  ] as const)('%s', (remark, over) => {
    expect(remarksOfDevice(device(over))).toEqual([remark])
  })
  test('says the gravest first, and pairing before being away', () => {
    expect(remarksOfDevice(device({ state: 'lost', bond: 'lost', battery_percent: 5, clock: 'off' }))).toEqual(['needs_pairing', 'battery_low', 'clock_off'])
  })
})

describe('a cartridge', () => {
  test.each([
    ['2026-11-25', 'expired', -1],
    ['2026-11-26', 'soon', 0],
    ['2026-12-26', 'soon', 30],
    ['2026-12-27', 'ok', 31],
  ] as const)('%s is %s', (expires, state, left) => {
    expect(cartridgeState(cartridge(expires), NOW)).toBe(state)
    expect(daysLeft(expires, NOW)).toBe(left)
  })
  test('may be used on its last evening', () => {
    expect(cartridgeState(cartridge('2026-11-26'), new Date(2026, 10, 26, 23, 59).getTime())).toBe('soon')
  })
  test('the nearest expiry stands first', () => {
    expect(inExpiryOrder([cartridge('2027-01-01', 'B'), cartridge('2026-12-01', 'C'), cartridge('2027-01-01', 'A')]).map((one) => one.lot)).toEqual(['C', 'A', 'B'])
  })
})

describe('the whole bag', () => {
  const heard = { at: new Date(NOW).toISOString(), state: 'heard', device_id: 's', peak_dbfs: -12, problem: null } as const
  const bag = {
    devices: [device(), device({ id: 's', kind: 'stethoscope' }), device({ id: 'r', kind: 'crp_analyser' })],
    cartridges: [cartridge('2027-06-30')],
    loop_test: heard,
    radio_problem: null,
    hub: 'online',
  } as const
  const count = (over: object): number => countRemarks({ ...bag, devices: [...bag.devices], cartridges: [...bag.cartridges], ...over }, NOW)

  test('has nothing to mend when all is well', () => {
    expect(count({})).toBe(0)
  })
  test.each([
    ['an instrument, once however much is wrong with it', { devices: [device({ state: 'lost', battery_percent: 3 })], cartridges: [] }],
    ['a cartridge', { cartridges: [cartridge('2027-06-30'), cartridge('2026-12-01', 'B')] }],
    ['no cartridges for the analyser', { cartridges: [] }],
    ['a sound that was not tried', { loop_test: null }],
    ['a sound that was tried yesterday', { loop_test: { ...heard, at: new Date(NOW - 86_400_000).toISOString() } }],
    ['a sound that did not come through', { loop_test: { ...heard, state: 'silent' } }],
    ['Bluetooth', { radio_problem: 'bluetooth_off' }],
    ['the net', { hub: 'offline' }],
  ])('counts %s', (_what, over) => {
    expect(count(over)).toBe(1)
  })
  test('asks for no sound and no cartridges where there is no such instrument', () => {
    expect(count({ devices: [device()], cartridges: [], loop_test: null })).toBe(0)
  })
  test('an examination camera is no instrument', () => {
    expect(count({ devices: [...bag.devices, device({ id: 'k', kind: 'camera', state: 'off' })] })).toBe(0)
  })
})

test('yesterday’s check is not today’s', () => {
  const check = { at: new Date(NOW).toISOString(), by: 'Anna Lind', remarks: 0 }
  expect(checkedToday({ check: null }, NOW)).toBe(false)
  expect(checkedToday({ check }, NOW)).toBe(true)
  expect(checkedToday({ check }, NOW + 86_400_000)).toBe(false)
  expect(soundHeardToday({ loop_test: null }, NOW)).toBe(false)
})

describe('the mark of the sound test', () => {
  const bag = { devices: [device({ kind: 'stethoscope' })], cartridges: [], radio_problem: null, hub: 'online' } as const
  const sound = (state: 'running' | 'heard' | 'silent' | 'failed', at: string) => ({ state, at, device_id: '', peak_dbfs: null, problem: null })
  const today = new Date(2026, 10, 26, 7, 0).toISOString()
  const yesterday = new Date(2026, 10, 25, 7, 0).toISOString()
  test.each([
    [null, 'triangle'],
    [sound('heard', today), 'full'],
    [sound('heard', yesterday), 'triangle'],
    [sound('silent', today), 'triangle'],
    [sound('failed', today), 'triangle'],
  ] as const)('%j: %s, as the count of remarks says', (loop_test, mark) => {
    expect(soundMark({ loop_test }, NOW)).toBe(mark)
    expect(countRemarks({ ...bag, devices: [...bag.devices], cartridges: [], loop_test }, NOW)).toBe(mark === 'full' ? 0 : 1)
  })
  test('moves while it runs', () => {
    expect(soundMark({ loop_test: sound('running', today) }, NOW)).toBe('moving')
  })
})
