import { expect, test } from 'vitest'
import type { Check } from '../../../src/core/doctor/check.ts'
import { foldConsequences } from '../../../src/core/doctor/consequences.ts'

const failed = (id: string, reason: string): Check => ({
  id,
  subject: id,
  verdict: 'failed',
  reason,
  next: 'Mend it',
  tookMs: 1,
})

test('what follows from a mistake in the configuration refers to it, and nothing else does', () => {
  const key = failed(
    'config.hosts.0.shutdown.ssh.key',
    '/etc/c.yaml:3:9: hosts.0.shutdown.ssh.key: /etc/key does not exist',
  )
  const schematic = failed('config.schematic', '/etc/c.yaml:4:9: schematic: /etc/schematics/homelab.yaml is missing')
  const host = failed('host.shutdown:nas', 'would not shut down: /etc/key does not exist; it must be the private key')
  const other = failed('host.shutdown:pi', 'would not shut down: /etc/key2 does not exist')
  const image = failed('factory.schematic:homelab', 'there is no usable schematic homelab')
  const refused = failed('factory.schematic:other', 'the Factory does not take it')
  expect(foldConsequences([key, schematic, host, other, image, refused])).toEqual([
    key,
    schematic,
    { id: host.id, subject: host.id, verdict: 'skipped', reason: `could not be tried: see ${key.id}`, tookMs: 1 },
    other,
    {
      id: image.id,
      subject: image.id,
      verdict: 'skipped',
      reason: 'could not be tried: see config.schematic',
      tookMs: 1,
    },
    refused,
  ])
})
