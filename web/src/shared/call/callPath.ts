/** By which servers a call may go, and whether a relay could be reached at all: browsers say little of that. */
import type { Relay } from '../wire'

/** What a new connection is given. */
export type CallPath = { iceServers: RTCIceServer[]; iceTransportPolicy: RTCIceTransportPolicy }
/** Why there is no relay candidate, as a code. */
export type RelayProblem = 'turn_refused' | 'turn_no_answer'

/** `held`: by way of a relay or not at all, even while there is none yet. */
export function pathBy(relay: Relay | null, held = false): CallPath {
  if (relay === null) return { iceServers: [], iceTransportPolicy: held ? 'relay' : 'all' }
  const { urls, username, credential } = relay
  return { iceServers: [{ urls, username, credential }], iceTransportPolicy: held || relay.relay_only ? 'relay' : 'all' }
}

function hasRelay(path: CallPath): boolean {
  return path.iceServers.some((server) => [server.urls].flat().some((url) => url.startsWith('turn')))
}

/**
 * Say whether a relay was found: null as soon as there is one, the reason when gathering ended without. Where no relay
 * was asked for, nothing is said.
 */
export function watchRelay(connection: RTCPeerConnection, path: CallPath, tell: (problem: RelayProblem | null) => void): void {
  if (!hasRelay(path)) return
  let refused = false
  let found = false
  connection.addEventListener('icecandidateerror', (event) => {
    refused ||= event.errorCode >= 400 && event.errorCode < 600
  })
  connection.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate?.type === 'relay' && !found) {
      found = true
      tell(null)
    }
  })
  connection.addEventListener('icegatheringstatechange', () => {
    if (connection.iceGatheringState === 'complete' && !found) tell(refused ? 'turn_refused' : 'turn_no_answer')
  })
}
