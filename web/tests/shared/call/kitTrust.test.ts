import { beforeEach, describe, expect, test } from 'vitest'
import golden from '../../../../tests/wire/golden_call_proof.json'
import type { SignalBody } from '../../../src/shared/call/instrumentPeer'
import { KitTrust, type KnownKit } from '../../../src/shared/call/kitTrust'

const KIT: KnownKit = { id: 'kit:1', key: golden.public_key }
const [OF_KIT, OF_NURSE] = golden.calls as [(typeof golden.calls)[0], (typeof golden.calls)[0]]
let kit: KnownKit | undefined
let me: string
const pins = new Map<string, string>()
const storage = { getItem: (key: string) => pins.get(key) ?? null, setItem: (key: string, value: string) => void pins.set(key, value) }
const trust = new KitTrust({ visitId: OF_KIT.visit_id, me: () => me, kit: () => kit, pins: storage })

function signal(change: Partial<SignalBody> = {}, prints = 'sha-256 0A:1B:2C', call = OF_KIT): SignalBody {
  const lines = prints.split(',').map((one) => `a=fingerprint:${one}\r\n`)
  return { epoch: call.epoch, proof: call.proof, description: { type: 'offer', sdp: `v=0\r\n${lines.join('')}` }, ...change }
}

beforeEach(() => {
  kit = KIT
  me = OF_KIT.to
  pins.clear()
})

describe('what the kit signed', () => {
  test('is genuine, and its key is kept', async () => {
    expect(await trust.judge('kit', signal())).toBeNull()
    expect([...pins.values()]).toEqual([golden.public_key])
  })

  test('for the nurse is genuine as hers only', async () => {
    const answer = signal({}, 'sha-256 AA,sha-384 BB', OF_NURSE)
    expect(await trust.judge('nurse', answer)).toBeNull()
    expect(await trust.judge('kit', answer)).toBe('call_forged')
  })

  test.each([
    ['another certificate', () => signal({}, 'sha-256 FF:1B:2C')],
    ['one certificate more', () => signal({}, 'sha-256 0A:1B:2C,sha-256 FF')],
    ['another attempt', () => signal({ epoch: OF_KIT.epoch + 1 })],
    ['a proof of something else', () => signal({ proof: OF_NURSE.proof })],
    ['no proof that can be read', () => signal({ proof: '?' })],
  ])('with %s is forged', async (_what, made) => {
    expect(await trust.judge('kit', made())).toBe('call_forged')
    expect(pins.size).toBe(0)
  })

  test('for another doctor is forged', async () => {
    me = 'doctor:9:9'
    expect(await trust.judge('kit', signal())).toBe('call_forged')
  })
})

test.each([[''], [undefined]])('without a proof (%j) it is unsigned', async (proof) => {
  const { proof: _, ...bare } = signal()
  expect(await trust.judge('kit', proof === undefined ? bare : { ...bare, proof })).toBe('call_unsigned')
})

test('a description without certificate is unsigned', async () => {
  expect(await trust.judge('kit', signal({ description: { type: 'offer', sdp: 'v=0' } }))).toBe('call_unsigned')
})

test.each([[undefined], [{ id: 'kit:1', key: '' }]])('a kit whose key nobody told is not trusted', async (known) => {
  kit = known
  expect(await trust.judge('kit', signal())).toBe('kit_key_unknown')
})

test('a kit with another key than before is not trusted until a person says so', async () => {
  pins.set('carebag.kit-key.kit:1', 'another')
  expect(await trust.judge('kit', signal())).toBe('kit_key_changed')
  expect(await trust.judge('kit', signal())).toBe('kit_key_changed')
  trust.acceptKey()
  expect(await trust.judge('kit', signal())).toBeNull()
})

test('a browser that reads another certificate out of the description is noticed', () => {
  const reads = (prints: string): RTCPeerConnection => ({ remoteDescription: { sdp: `a=fingerprint:${prints}` } }) as RTCPeerConnection
  expect(trust.holds(signal(), reads('sha-256 0A:1B:2C'))).toBe(true)
  expect(trust.holds(signal(), reads('sha-256 FF:1B:2C'))).toBe(false)
  expect(trust.holds(signal(), {} as RTCPeerConnection)).toBe(false)
})
