import { expect, test } from 'vitest'
import { machineIdOf } from '../../../src/adapters/talos/machine-id.ts'

// Made by the library that Talos uses (jxskiss/base62 v1.1.0), of 32 bytes each.
test.each([
  ['dA6rXYwoRUod4czsfpDIxjFFwbXzJqUOxUvZfPnLQjb', '6e340b9cffb37a989ca544e6bb780a2c'],
  ['aWUh3xj4Mf6SLc4YsWBwie43KNj76i37UMVFRzLSUflA', '4bf5122f344554c53bde2ebb8cd2b7e3'],
  ['Gm9Vkhp62tUSk4jfhtL7LJACwx4S7arrak8fDQy0G82', 'dbc1b4c900ffe48d575b5da5c6380401'],
  ['FnyfbVTtsNCxitjwWbMPBAr1Q1I6ULje10r4lLCtfJEA', '084fed08b978af4d7d196a7446a86b58'],
  ['x5JyBOKngKG8SK2frjfKag1LHZrHwYT0c0IQxIUc2S5', 'e52d9c508c502347344d8c07ad91cbd6'],
  ['fffffffffffffffffffffffffffffffffffffffffffffffffffB', 'ffffffffffffffffffffffffffffffff'],
  ['BikGSeiDLRgtJmHIj9hpQueyw6eTlPxCgIYN5WhsIOAA', '00711642b726b04401627ca9fbac32f5'],
  ['6DLSREL03s59MqSQQOCaCDg11hnjL9PjIefUhjNkDAA', '0000e4363854ff888cff4b8e7875d600'],
  ['Gsn1kUMhOAd12W1l6yv3oBfflK29tzQpsSMZSumR5UA', '014e519ae499312b29433b7dd8a97ff0'],
])('the node %s has the machine id %s', (nodeId, machineId) => {
  expect(machineIdOf(nodeId)).toBe(machineId)
})

test.each(['', 'A', 'dA6r', 'dA6rXYwoRUod4czsfpDI-jFFwbXzJqUOxUvZfPnLQjb'])('"%s" is no identity', (nodeId) => {
  expect(machineIdOf(nodeId)).toBeUndefined()
})
