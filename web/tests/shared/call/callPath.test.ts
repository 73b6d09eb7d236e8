import { expect, test } from 'vitest'
import { pathBy, type RelayProblem, watchRelay } from '../../../src/shared/call/callPath'
import type { Relay } from '../../../src/shared/wire'

const RELAY: Relay = { type: 'relay', visit_id: 'v', to: 'doctor:1', urls: ['turn:t:3478', 'turns:t:443'], username: '9:u', credential: 'c', expires_at: '', relay_only: false }

class Gathering extends EventTarget {
  iceGatheringState = 'gathering'
  found(type: string): void {
    this.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate: { type } }))
  }
  failed(errorCode: number): void {
    this.dispatchEvent(Object.assign(new Event('icecandidateerror'), { errorCode }))
  }
  complete(): void {
    this.iceGatheringState = 'complete'
    this.dispatchEvent(new Event('icegatheringstatechange'))
  }
}

function watched(relay: Relay | null, act: (connection: Gathering) => void): (RelayProblem | null)[] {
  const told: (RelayProblem | null)[] = []
  const connection = new Gathering()
  watchRelay(connection as unknown as RTCPeerConnection, pathBy(relay), (problem) => told.push(problem))
  act(connection)
  return told
}

test('credentials become what a connection is given', () => {
  expect(pathBy(null)).toEqual({ iceServers: [], iceTransportPolicy: 'all' })
  expect(pathBy(RELAY)).toEqual({ iceServers: [{ urls: RELAY.urls, username: '9:u', credential: 'c' }], iceTransportPolicy: 'all' })
  expect(pathBy({ ...RELAY, relay_only: true }).iceTransportPolicy).toBe('relay')
  // held to a relay that has not come yet: no way at all is better than another
  expect(pathBy(null, true)).toEqual({ iceServers: [], iceTransportPolicy: 'relay' })
  expect(pathBy(RELAY, true).iceTransportPolicy).toBe('relay')
})

test('a relay that is found is said once, whatever failed beside it', () => {
  const told = watched(RELAY, (connection) => {
    connection.failed(701)
    connection.found('host')
    connection.found('relay')
    connection.found('relay')
    connection.complete()
  })
  expect(told).toEqual([null])
})

test('gathering that ends without a relay says why', () => {
  expect(watched(RELAY, (connection) => (connection.found('host'), connection.failed(701), connection.complete()))).toEqual(['turn_no_answer'])
  expect(watched(RELAY, (connection) => (connection.failed(401), connection.failed(701), connection.complete()))).toEqual(['turn_refused'])
})

test('where no relay was asked for nothing is said', () => {
  expect(watched(null, (connection) => connection.complete())).toEqual([])
})
