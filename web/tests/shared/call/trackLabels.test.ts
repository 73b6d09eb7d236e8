import { expect, test } from 'vitest'
import { labelOf } from '../../../src/shared/call/trackLabels'

test('the kit says which track is which', () => {
  const offer = { type: 'offer', sdp: '', tracks: { '0': 'camera', '1': 'exact', '2': 'monitor', '3': 'talk' } }
  expect(['0', '1', '2', '3'].map((mid) => labelOf(offer, mid))).toEqual(['camera', 'exact', 'monitor', 'talk'])
  expect(labelOf(offer, '4')).toBeNull()
  expect(labelOf(offer, null)).toBeNull()
})

test.each([{}, { tracks: null }, { tracks: 'exact' }, { tracks: { '0': 7 } }, { tracks: { '0': 'loud' } }])(
  'what is none is none: %j',
  (offer) => {
    expect(labelOf(offer, '0')).toBeNull()
    expect(labelOf(offer, 'toString')).toBeNull()
  },
)
