import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type ChannelConfig, channelConfig, loadKind } from '../../../../src/services/notifications/channels/kinds.ts'

const folder = fileURLToPath(new URL('../../../../src/services/notifications/channels', import.meta.url))

test('every folder is a kind of channel by its name, and every kind loads', async () => {
  const entries = await readdir(folder, { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  const kinds = channelConfig.options.map(({ shape }) => shape.type.value)
  expect(kinds.toSorted()).toEqual(folders.toSorted())
  for (const type of kinds) expect(await loadKind({ type } as ChannelConfig)).toBeTypeOf('function')
})
