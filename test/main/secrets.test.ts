import { rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import { followMachines } from '../../src/main/machines.ts'
import { loadSettings } from '../../src/main/settings.ts'
import { followUpses } from '../../src/main/upses.ts'
import { temporaryFolder } from '../lab/process.ts'
import { startUpsdStandIn } from '../lab/upsd/stand-in.ts'
import { soon } from '../patience.ts'

const always = () => true
const never = () => false

/** A configuration with secrets in files beside it. */
async function lab(more: object) {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const path = (name: string) => join(folder.path, name)
  const config = { schematic: 'homelab', share: { directory: 'share' }, state: 'state', ...more }
  await writeFile(path('caretaker.yaml'), stringify(config))
  return { path, settings: await loadSettings(path('caretaker.yaml'), {}) }
}

/** A UPS server, and the configuration of a client that logs in there. */
async function upsLab() {
  const upsd = await startUpsdStandIn({ address: '127.0.68.94' })
  onTestFinished(() => upsd[Symbol.asyncDispose]())
  const password = { file: 'ups-password' }
  const it = await lab({ upses: [{ host: upsd.address, port: upsd.port, user: 'monuser', password }] })
  return { ...it, upsd, write: (text: string) => writeFile(it.path('ups-password'), text) }
}

test('a UPS password that is mended is used with the next reading', async () => {
  const it = await upsLab()
  await it.write('wrong')
  const refusals: (string | undefined)[] = []
  const upses = await followUpses(it.settings, { login: (_, why) => refusals.push(why) }, never)
  const ups = upses.get('ups')!
  onTestFinished(() => ups[Symbol.asyncDispose]())
  await ups.read(soon())
  await expect.poll(() => refusals.at(-1)).toContain('ACCESS-DENIED')
  await it.write('secret')
  await ups.read(soon())
  expect(ups.loggedIn).toBe(true)
  expect(refusals.at(-1)).toBeUndefined()
  const { length } = it.upsd.commands
  await ups.read(soon())
  expect(it.upsd.commands.slice(length)).not.toContain('LOGIN ups')
})

test('a UPS that we have logged out of stays so when the password is changed', async () => {
  const it = await upsLab()
  await it.write('secret')
  const ups = (await followUpses(it.settings, {}, never)).get('ups')!
  onTestFinished(() => ups[Symbol.asyncDispose]())
  await ups.read(soon())
  await ups.logOut(soon())
  await it.write('secret\n')
  await rm(it.path('ups-password'))
  await it.write('another')
  await ups.read(soon())
  expect(ups.loggedIn).toBe(false)
  expect(it.upsd.commands.filter((command) => command === 'LOGIN ups')).toHaveLength(1)
})

test('a UPS whose password is not there is monitored without a login where that can wait, and is an error where it can not', async () => {
  const it = await upsLab()
  await expect(followUpses(it.settings, {}, never)).rejects.toMatchObject({
    code: 'misconfigured',
    message: `${it.path('ups-password')} does not exist`,
  })
  const missing: (string | undefined)[] = []
  const ups = (await followUpses(it.settings, { secretMissing: (_, why) => missing.push(why) }, always)).get('ups')!
  onTestFinished(() => ups[Symbol.asyncDispose]())
  expect(await ups.read(soon())).toMatchObject({ status: expect.arrayContaining(['OL']) })
  expect(missing).toEqual([`${it.path('ups-password')} does not exist`])
  await it.write('secret')
  await expect.poll(async () => ups.read(soon()).then(() => ups.loggedIn), { interval: 500 }).toBe(true)
  expect(missing.at(-1)).toBeUndefined()
})

/** A machine that takes an order by HTTP, and notes by which token. */
async function startMachine() {
  const tokens: (string | undefined)[] = []
  const server = createServer((request, response) => {
    tokens.push(request.headers.authorization)
    response.writeHead(202).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.68.95', resolve))
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())))
  return { tokens, url: `http://127.0.68.95:${(server.address() as AddressInfo).port}/off` }
}

test('the token of a host is read again when its file changes, and a token that is gone keeps no other host up', async () => {
  const machine = await startMachine()
  const host = (name: string, address: string) => ({
    name,
    address,
    shutdown: { http: { url: machine.url, headers: { authorization: { file: name } } } },
  })
  const it = await lab({ hosts: [host('nas', '10.0.0.6'), host('router', '10.0.0.1')] })
  await writeFile(it.path('nas'), 'old')
  const trouble: Record<string, string | undefined> = {}
  const { hosts } = await followMachines({
    settings: it.settings,
    canWait: always,
    trouble: (name, why) => void (trouble[name] = why),
  })
  await hosts.shutDown('nas', soon())
  await writeFile(it.path('nas'), 'new token')
  await hosts.shutDown('nas', soon())
  expect(machine.tokens).toEqual(['old', 'new token'])
  const gone = `${it.path('router')} does not exist`
  expect(trouble).toEqual({ router: gone })
  await expect(hosts.shutDown('router', soon())).rejects.toMatchObject({ code: 'misconfigured', message: gone })
  await expect(hosts.shutDown('desk', soon())).rejects.toMatchObject({
    message: expect.stringContaining('no host desk'),
  })
  await rm(it.path('nas'))
  // What was read last is better than nothing.
  await hosts.shutDown('nas', soon())
  expect(machine.tokens.at(-1)).toBe('new token')
})
