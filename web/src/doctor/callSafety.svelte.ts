/** Whether what is seen and heard comes from the kit of this visit, the digits to read aloud, and the way to a relay. */
import { type CallPath, pathBy, type RelayProblem } from '../shared/call/callPath'
import { type Distrust, KitTrust, type KnownKit } from '../shared/call/kitTrust'
import type { Console } from './console.svelte'

export class CallSafety {
  /** Why the kit's picture and sound are not shown; null while there is nothing to say. */
  kit = $state<Distrust | null>(null)
  /** Likewise for the nurse's face and voice. */
  nurse = $state<Distrust | null>(null)
  /** Six digits, the same on the nurse's page; empty before the call stands. */
  digits = $state('')
  relay = $state<RelayProblem | null>(null)
  readonly trust: KitTrust
  #known: KnownKit | undefined

  constructor(
    readonly desk: Console,
    visitId: string,
  ) {
    this.trust = new KitTrust({ visitId, me: () => desk.participantId, kit: () => this.#kitNow() })
  }

  readonly path = (): CallPath => pathBy(this.desk.relay, this.desk.heldToRelay)

  readonly onKit = (distrust: Distrust | null, digits: string): void => {
    this.kit = distrust
    this.digits = digits
  }

  readonly onNurse = (distrust: Distrust | null): void => {
    this.nurse = distrust
  }

  readonly onRelay = (problem: RelayProblem | null): void => {
    this.relay = problem
  }

  /** The kit may be away for a moment while its call goes on. */
  #kitNow(): KnownKit | undefined {
    const here = this.desk.participants.find((one) => one.role === 'kit')
    if (here !== undefined && here.key !== '') this.#known = { id: here.id, key: here.key }
    return this.#known
  }
}
