import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { refusal } from '../adapters/refusal.ts'
import { soon } from '../patience.ts'
import { apiPort, inDays, version, renewalLab } from './renewal-lab.ts'

const lab = renewalLab({ cp: '127.0.44.187', w: '127.0.44.188', api: '127.0.44.189' })
const { file, kubeconfigLasting, open, writeTalosconfig, written } = lab

describe('a file that changes', () => {
  test('is used without a restart', async () => {
    const world = await open()
    await version(world)
    await writeFile(file('kubeconfig'), (await lab.kubernetes.kubeconfig()).replace(`:${apiPort}`, ':1'))
    expect(await refusal(version(world))).toMatchObject({ code: 'unreachable' })
    await writeFile(file('kubeconfig'), await lab.kubernetes.kubeconfig())
    expect(await version(world)).toBe('v1.36.3')
  })

  test('is read again when what it said is refused', async () => {
    await writeFile(file('kubeconfig'), await kubeconfigLasting({ to: 1 }))
    const world = await open()
    await version(world)
    inDays(2)
    await writeFile(file('kubeconfig'), await lab.kubernetes.kubeconfig())
    expect(await version(world)).toBe('v1.36.3')
  })

  test.each([
    { name: 'kubeconfig', text: 'users: [', why: 'is not valid YAML' },
    { name: 'kubeconfig', text: '', why: 'no current-context' },
    { name: 'talosconfig', text: 'contexts: {', why: 'is not valid YAML' },
    { name: 'talosconfig', text: 'context: none\n', why: 'no context "none"' },
  ])('and is a broken $name leaves the last good one in force: "$text"', async ({ name, text, why }) => {
    const world = await open()
    const good = await readFile(file(name), 'utf8')
    await writeFile(file(name), text)
    expect(await version(world)).toBe('v1.36.3')
    expect(await world.ports.talos.version('cp-1', soon())).toBe('v1.13.9')
    expect(written()).toEqual([expect.stringContaining(why)])
    expect(written()[0]).toMatch(/; its previous version stays in use$/)
    await writeFile(file(name), good)
    await world.check()
    expect(written()).toEqual([expect.stringMatching(/^settled: /), expect.anything()])
  })

  test('and lacks a role that is needed leaves the last good talosconfig in force', async () => {
    const world = await open()
    await writeTalosconfig({ roles: ['os:reader'] })
    expect(await world.ports.talos.version('cp-1', soon())).toBe('v1.13.9')
    expect(written()).toEqual([expect.stringContaining('has the role os:reader, not os:admin')])
  })
})
