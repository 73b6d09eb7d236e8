import { describe, expect, test } from 'vitest'
import golden from '../../../../tests/wire/golden_call_proof.json'
import { covers, fingerprints, proofText, signedBy, sixDigits } from '../../../src/shared/call/fingerprint'

describe('the same values as the kit', () => {
  test.each(golden.descriptions)('fingerprints: $name', ({ sdp, prints }) => {
    expect(fingerprints(sdp)).toBe(prints)
  })

  test.each(golden.calls)('what is signed for $sender', async ({ visit_id: visit, sender, to, epoch, prints, text, proof }) => {
    expect(proofText(visit, sender, to, epoch, prints)).toBe(text)
    expect(await signedBy(golden.public_key, proof, text)).toBe(true)
    expect(await signedBy(golden.public_key, proof, `${text} `)).toBe(false)
  })

  test.each(golden.codes)('six digits $digits', async ({ visit_id: visit, kit, viewer, epoch, kit_prints: ours, page_prints: theirs, digits }) => {
    expect(await sixDigits(visit, kit, viewer, epoch, ours, theirs)).toBe(digits)
  })
})

test.each(['', 'x', '*', 'AAAA', golden.public_key.slice(0, -4), `${golden.public_key}AAAA`])('%j is no key of anybody', async (key) => {
  const [call] = golden.calls
  expect(await signedBy(key, call!.proof, call!.text)).toBe(false)
})

test.each(['', 'AAAA', '€'])('%j is no signature', async (proof) => {
  expect(await signedBy(golden.public_key, proof, golden.calls[0]!.text)).toBe(false)
})

test('what the browser goes by must all have been signed', () => {
  expect(covers('sha-256 AA,sha-384 BB', 'sha-256 AA')).toBe(true)
  expect(covers('sha-256 AA', 'sha-256 AA,sha-384 BB')).toBe(false)
  expect(covers('sha-256 AA', '')).toBe(false)
  expect(covers('', '')).toBe(false)
})
