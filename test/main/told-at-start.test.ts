import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openMemoryJournal } from '../../src/adapters/journal/journal.ts'
import { keepSigners, openFactories } from '../../src/main/factories.ts'
import { followMachines } from '../../src/main/machines.ts'
import { tellAlerts } from '../../src/main/tell.ts'
import { followUpses } from '../../src/main/upses.ts'
import { createAlerts } from '../../src/operations/alerts.ts'
import { parseWhole } from '../config/whole.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { silentLog } from '../fakes/log.ts'
import { temporaryFolder } from '../lab/process.ts'
import { createSigner } from '../lab/uki/sign-image.ts'

const text = `
schematic: homelab
share: { directory: share }
factory: { signedBy: [signer.pem], auth: { username: us, password: { file: factory } } }
upses: [{ name: rack, host: 127.0.0.1, user: us, password: { file: ups } }]
hosts:
  - name: nas
    address: 10.0.0.5
    mac: 00:1b:21:3a:4f:5c
    shutdown: { http: { url: 'http://10.0.0.5/off', headers: { authorization: { file: off } } } }
    wake: { powerOn: { http: { url: 'http://10.0.0.5/on', headers: { authorization: { file: on } } } } }
`
const known = ['factory.access', 'factory.signers', 'machine.secret:nas', 'ups.secret:rack']

/** A folder of secrets, and daemons that start one after the other on one journal. */
async function open() {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const config = parseWhole(text, 'caretaker.yaml')
  const path = (name: string) => join(folder.path, name)
  const settings = { config, path, environment: {} } as never
  let clock = Date.parse('2026-11-27T08:00:00Z')
  const journal = memoryJournal()
  const start = async () => {
    const alerts = createAlerts(journal, () => new Date((clock += 1_000)))
    const changes: string[] = []
    alerts.subscribe(({ id }, change) => void changes.push(`${change} ${id}`))
    const told = tellAlerts({ config }, alerts, silentLog)
    const canWait = () => true
    await keepSigners({ settings, told, canWait })
    await openFactories({ settings, journal: openMemoryJournal(), told, canWait })
    const upses = await followUpses(settings, told, canWait)
    for (const ups of upses.values()) onTestFinished(() => ups[Symbol.asyncDispose]())
    await followMachines({ settings, canWait, trouble: (name, why) => told.machine?.(name, why) })
    return { alerts, changes, ids: () => alerts.all.map(({ id }) => id).toSorted() }
  }
  const write = async (...names: readonly string[]) => {
    for (const name of names) {
      const isSigner = name === 'signer.pem'
      await writeFile(path(name), isSigner ? (await createSigner('us')).certificate : 'secret')
    }
  }
  return { start, write }
}

test('secrets that can not be read are the same alerts after a restart, and are settled by a start that reads them', async () => {
  const { start, write } = await open()
  const first = await start()
  expect(first.ids()).toEqual(known)
  expect((await start()).changes).toEqual([])
  await write('signer.pem', 'factory', 'ups', 'off', 'on')
  const last = await start()
  expect(last.changes.toSorted()).toEqual(known.map((id) => `settled ${id}`))
})

test('a machine whose shutdown and whose start lack a secret is settled when both have it', async () => {
  const { start, write } = await open()
  await write('signer.pem', 'factory', 'ups')
  const first = await start()
  expect(first.alerts.find('machine.secret:nas')?.text).toMatch(/off does not exist; .*on does not exist/)
  await write('off')
  const second = await start()
  expect(second.ids()).toEqual(['machine.secret:nas'])
  expect(second.alerts.find('machine.secret:nas')?.text).not.toContain('/off')
  await write('on')
  expect((await start()).ids()).toEqual([])
})
