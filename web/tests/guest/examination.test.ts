import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Examination } from '../../src/guest/examination.svelte'
import type { SignalBody } from '../../src/shared/call/instrumentPeer'
import type { GuestRoom, Signal } from '../../src/shared/wire'
import { chanceOf, Network } from '../shared/call/browsers'

const KIT = 'kit:1'
let network: Network
let said: [string, SignalBody][]
let examination: Examination

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
  network = new Network(chanceOf(1), 0)
  network.install()
  // what the compiler makes of a rune is for a page; here a field is a field
  vi.stubGlobal('$state', Object.assign((value: unknown) => value, { raw: (value: unknown) => value }))
  said = []
  examination = new Examination({ send: (to, body) => said.push([to, body]), path: () => ({ iceServers: [], iceTransportPolicy: 'all' }) })
})
afterEach(() => {
  examination.close()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
const room = (more: Partial<GuestRoom> = {}): GuestRoom => ({
  type: 'guest_room', visit_id: 'v', state: 'admitted', reason: null, camera: true, served: true, frozen_at: null, participants: [],
  kit: { id: KIT, role: 'kit', name: '', key: 'AAAA' }, ...more,
})
const offer = (sender: string): Signal => ({
  type: 'signal', visit_id: 'v', sender, to: 'guest:1', epoch: 5, proof: '', candidate: null, description: { type: 'offer', sdp: '900' },
})

test('calls no kit without the word, and takes no call', async () => {
  examination.meet('guest:1', room({ camera: false, kit: null }))
  await pass(5000)
  expect(said).toEqual([])
  expect(examination.signal(offer(KIT))).toBe(false)
  expect(network.ends).toHaveLength(0)
})

test('asks the kit for its call once there is the word, and nobody else', async () => {
  examination.meet('guest:1', room())
  await pass(5000)
  expect(said.map(([to, body]) => [to, body.epoch])).toContainEqual([KIT, 0])
  expect(new Set(said.map(([to]) => to))).toEqual(new Set([KIT]))
  expect(examination.signal(offer('doctor:1:1'))).toBe(false)
})

test('a call that is not signed by the kit is not answered, and that is said', async () => {
  examination.meet('guest:1', room())
  expect(examination.signal(offer(KIT))).toBe(true)
  await pass(500)
  expect(examination.distrust).toBe('call_unsigned')
  expect(said.filter(([, body]) => body.description)).toEqual([])
})

test('a word that is taken back ends all at once', async () => {
  examination.meet('guest:1', room())
  examination.signal(offer(KIT))
  await pass(500)
  examination.meet('guest:1', room({ camera: false, kit: null }))
  expect(network.ends.every((end) => end.signalingState === 'closed')).toBe(true)
  expect([examination.picture, examination.distrust, examination.kitHere]).toEqual([null, null, false])
  said.length = 0
  await pass(20_000)
  expect(said).toEqual([])
})

test('a kit that is away for a moment is waited for', async () => {
  examination.meet('guest:1', room())
  examination.meet('guest:1', room({ kit: null }))
  expect(examination.kitHere).toBe(false)
  await pass(5000)
  expect(said.length).toBeGreaterThan(0)
  expect(examination.signal(offer(KIT))).toBe(true)
})

test('no place is said when it lasts, and no more when there is one', async () => {
  examination.meet('guest:1', room({ served: false }))
  await pass(1500)
  expect(examination.full).toBe(false)
  examination.meet('guest:1', room())
  await pass(1500)
  expect(examination.full).toBe(false)
  examination.meet('guest:1', room({ served: false }))
  await pass(2500)
  expect(examination.full).toBe(true)
  examination.meet('guest:1', room())
  expect(examination.full).toBe(false)
})
