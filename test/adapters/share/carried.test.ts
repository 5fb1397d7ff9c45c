import { afterEach, beforeEach, expect, test } from 'vitest'
import { schematicId } from '../../../src/adapters/factory/schematic-id.ts'
import { homelabSchematic, homelabSchematicId } from '../../lab/homelab.ts'
import { refusal } from '../refusal.ts'
import { type ShareLab, startShareLab } from './lab.ts'

let at: ShareLab
beforeEach(async () => {
  at = await startShareLab('127.0.110.80')
  at.share = at.open({ schematicOf: (id) => (id === homelabSchematicId ? homelabSchematic : undefined) })
  await at.stage('v1.13.8')
})
afterEach(() => at[Symbol.asyncDispose]())

/** Why the release is refused. Nothing on the share is another than before. */
async function whyRefused(): Promise<string> {
  const before = { files: await at.files(), published: await at.published() }
  const error = await refusal(at.stage('v1.13.9'))
  expect(error.code).toBe('malformed')
  expect(await at.files()).toEqual(before.files)
  expect((await at.published()).equals(before.published)).toBe(true)
  return error.message.replace('the image that the Factory sent for v1.13.9 was rejected: ', '')
}

test('an image of another schematic is not staged, and the difference is named', async () => {
  at.lab.faults.wrongSchematic = true
  expect(await whyRefused()).toBe(
    'it is built from another schematic: it lacks siderolabs/i915, lacks siderolabs/iscsi-tools, ' +
      'lacks siderolabs/nut-client, has the kernel argument wrong in addition',
  )
})

test('an image without an extension that its schematic names is not staged', async () => {
  at.lab.faults.leftOutExtension = 'siderolabs/nut-client'
  expect(await whyRefused()).toBe('it lacks siderolabs/nut-client, which its schematic names')
})

test('an image of another schematic is not staged where nobody knows what the id stands for', async () => {
  at.share = at.open()
  at.lab.faults.wrongSchematic = true
  const wrong = schematicId({ customization: { extraKernelArgs: ['wrong'] } })
  expect(await whyRefused()).toBe(
    `it carries the schematic ${wrong.slice(0, 12)}…, and ${homelabSchematicId.slice(0, 12)}… was requested`,
  )
})

test('an image that was refused is staged once the Factory sends the right one', async () => {
  at.lab.faults.wrongSchematic = true
  await refusal(at.stage('v1.13.9'))
  at.lab.faults.wrongSchematic = false
  expect(await at.stage('v1.13.9')).toMatchObject({ version: 'v1.13.9', published: true })
})
