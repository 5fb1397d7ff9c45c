import { expect, test } from 'vitest'
import { AgentError, during } from '../../src/core/errors.ts'
import { judgeBytes, knownBytesKind, OtherBytes, type HeldImage } from '../../src/core/release/known-bytes.ts'
import { type BootServer, BootServerRefusal } from '../../src/core/release/served.ts'
import type { Share } from '../../src/core/release/ports.ts'
import { startAgent } from '../fakes/agent.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { asked, operatorOf } from '../fakes/person.ts'

const digest = 'b'.repeat(64)

/** A homelab whose share is served by this server, and does this beside what a share does. */
async function start({ boot, share = {} }: { readonly boot?: BootServer['read']; readonly share?: Partial<Share> }) {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane' }, { version: 'v1.13.9' })
  Object.assign(homelab.ports, {
    share: { ...homelab.ports.share, ...share },
    ...(boot ? { bootServer: { name: '192.168.0.6', read: boot } } : {}),
  })
  const it = startAgent(homelab)
  return { homelab, it, operator: operatorOf(homelab, it), journal: homelab.ports.journal }
}

test('what machines don’t get is an alert that says where to mend it, and is over once they get it', async () => {
  const server = { isRight: false }
  const { it } = await start({
    boot: async () => {
      if (!server.isRight) throw new BootServerRefusal(1, 'it refuses metal-amd64-uki.efi')
      return { size: 100, sha256: digest }
    },
  })
  await using _ = it
  expect(await it.run('stage-image')).toMatchObject({ kind: 'done' })
  expect(it.agent.alerts.find('share.served')).toMatchObject({
    severity: 'warning',
    text: expect.stringContaining("metal-amd64-uki.efi of v1.13.9 is published, and machines don't get it"),
    action: expect.stringContaining('TFTP root folder'),
  })
  server.isRight = true
  await it.run('stage-image')
  expect(it.agent.alerts.find('share.served')).toBeUndefined()
})

test('a share that is away while it is read back changes nothing of how the staging ended', async () => {
  const { it } = await start({
    boot: async () => ({ size: 100, sha256: digest }),
    share: {
      digest: async () => {
        throw new AgentError('unreachable', 'the share does not answer')
      },
    },
  })
  await using _ = it
  expect(await it.run('stage-image')).toMatchObject({ kind: 'done' })
})

const proofs = { sha256: undefined, hasSignature: false }
const arrived = { source: 'https://factory.test/image', version: 'v1.13.9', bytes: 100, proofs }
const known = judgeBytes(undefined, { ...arrived, sha256: 'a'.repeat(64) }, new Date()).known
const held = judgeBytes(known, { ...arrived, sha256: digest }, new Date()).known as HeldImage

test('an image that is kept apart is an alert with both digests, until a person accepts it', async () => {
  const share = {
    stage: async () => {
      throw during('stage v1.13.9', new OtherBytes(held))
    },
  }
  const { it, operator, journal } = await start({ share })
  await using _ = it
  journal.records(knownBytesKind).save(held)
  expect(await it.run('stage-image')).toMatchObject({ kind: 'stuck', summary: expect.stringContaining('other bytes') })
  expect(it.agent.alerts.find('image.held')).toMatchObject({
    text: expect.stringMatching(/answered a{64} on .* and now b{64}/),
    action: expect.stringContaining(`caretaker stage --accept ${'b'.repeat(16)}`),
  })
  await expect(operator.staging.accept({ sha256: 'cccccccc' }, asked())).rejects.toMatchObject({ code: 'not-found' })
  expect(await operator.staging.accept({ sha256: 'BBBBBBBB' }, asked())).toMatchObject({
    changed: true,
    said: `v1.13.9 with the SHA-256 ${digest} was accepted`,
  })
  expect(journal.records(knownBytesKind).get(held.source)).toMatchObject({ sha256: digest })
  await it.run('stage-image')
  expect(it.agent.alerts.find('image.held')).toBeUndefined()
})

test('everything on the share is hashed once more when a person asks, and what was changed is named', async () => {
  const { it, operator, journal } = await start({
    boot: async (_, most) => ({ size: 100, sha256: most === undefined ? digest : 'start' }),
    share: {
      digest: async () => digest,
      verify: async ({ version: path }) => [
        { path, bytes: 100, sha256: digest },
        { path: 'metal-amd64-uki.efi', bytes: 100, sha256: digest, fault: 'it was changed' },
      ],
    },
  })
  await using _ = it
  await it.run('stage-image')
  const { sha256 } = (await operator.staging.staged())[0]!
  journal.records(knownBytesKind).save({ ...known, sha256, proofs: { sha256, hasSignature: true } })
  const answer = await operator.staging.verify(asked())
  expect(answer.isWhole).toBe(false)
  expect(answer.files).toEqual([
    expect.objectContaining({ path: 'v1.13.9', proofs: { sha256, hasSignature: true } }),
    expect.objectContaining({
      path: 'metal-amd64-uki.efi',
      fault: 'it was changed',
    }),
  ])
  expect(answer.files[0]).not.toHaveProperty('fault')
  expect(answer.served).toEqual([{ file: 'metal-amd64-uki.efi', server: '192.168.0.6' }])
})
