import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { OwnMedia } from '../../../src/shared/call/ownMedia'
import { type Face, offersTo, TalkMesh } from '../../../src/shared/call/talkMesh'
import type { Participant } from '../../../src/shared/wire'
import { chanceOf, Network, wait } from './browsers'

const IDS = ['doctor:a:1', 'nurse:k', 'guest:1', 'guest:2', 'doctor:b:2']

test('of each pair exactly one offers, and doctors call everybody', () => {
  for (const one of IDS) for (const other of IDS) if (one !== other) expect(offersTo(one, other)).toBe(!offersTo(other, one))
  expect(offersTo('doctor:a:1', 'nurse:k')).toBe(true)
  expect(offersTo('nurse:k', 'guest:1')).toBe(true)
})

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const person = (id: string): Participant => ({ id, role: id.split(':')[0] as Participant['role'], name: id, key: '' })

test('five people all see each other, and who leaves is gone from every list', async () => {
  const network = new Network(chanceOf(7))
  network.install()
  const meshes = new Map<string, TalkMesh>()
  const faces = new Map<string, Face[]>()
  const own = (): OwnMedia => new OwnMedia(async () => ({ clone: () => new MediaStream(), getTracks: () => [] }) as unknown as MediaStream)
  for (const me of IDS) {
    const send = (to: string, body: object): void => void wait(5).then(() => meshes.get(to)?.signal(me, structuredClone(body) as never))
    meshes.set(me, new TalkMesh({ send, own: own(), onFaces: (seen) => faces.set(me, seen) }))
  }
  for (const [me, mesh] of meshes) mesh.meet(me, IDS.filter((id) => id !== me).map(person))
  await vi.advanceTimersByTimeAsync(30_000)
  for (const me of IDS) {
    expect(faces.get(me)?.map((one) => one.state)).toEqual(['connected', 'connected', 'connected', 'connected'])
  }
  const stay = IDS.filter((id) => id !== 'guest:2')
  meshes.get('guest:2')?.close()
  for (const me of stay) meshes.get(me)?.meet(me, stay.filter((id) => id !== me).map(person))
  await vi.advanceTimersByTimeAsync(120_000)
  for (const me of stay) expect(faces.get(me)?.map((one) => one.id)).toEqual(stay.filter((id) => id !== me))
  for (const mesh of meshes.values()) mesh.close()
})

test('camera and microphone are opened once, and again when they have ended', async () => {
  const track = { readyState: 'live', stop: vi.fn() }
  const opener = vi.fn(async () => ({ clone: () => ({}), getTracks: () => [track] }) as unknown as MediaStream)
  const own = new OwnMedia(opener)
  await own.open({ audio: true, video: true })
  await own.open({ audio: true, video: true })
  expect(opener).toHaveBeenCalledTimes(1)
  track.readyState = 'ended'
  await own.open({ audio: true, video: true })
  expect(opener).toHaveBeenCalledTimes(2)
  own.close()
  await vi.advanceTimersByTimeAsync(1)
  expect(track.stop).toHaveBeenCalledOnce()
})
