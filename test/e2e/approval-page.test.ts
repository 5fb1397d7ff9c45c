import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { StatusAnswer } from '../../src/core/operator.ts'
import type { MachineDetails } from '../../src/core/provision/requests.ts'
import { findBarriers, openPage, overflowOf, startBrowser, whyNoBrowser } from '../lab/browser.ts'
import { endStore, startDaemon, waitFor } from '../lab/daemon.ts'
import { startHomelab } from '../lab/homelab.ts'
import { lacks } from '../lab/needs.ts'
import { temporaryFolder } from '../lab/process.ts'
import { createJoining, joiningClaim as claim } from './joining-lab.ts'

const url = 'http://127.0.177.90:8420'
const token = 'caretaker_desk-0123456789abcdef0123456789abcdef'
const phone = { width: 390, height: 844 }
/** In ms: many processes share the machine, and only what never comes is to fail. */
const patience = 300_000
const within = (what: string, isSo: () => boolean | Promise<boolean>) => waitFor(what, 60_000, isSo)

describe.skipIf(lacks(whyNoBrowser()))('a machine that waits in maintenance', { timeout: 2 * patience }, () => {
  test('is approved at the dashboard by its console and its key, and not by a key that has changed meanwhile', async () => {
    await using stack = new AsyncDisposableStack()
    const { path: directory } = stack.use(await temporaryFolder())
    stack.defer(() => endStore(directory))
    const lab = stack.use(
      await startHomelab({ net: 177, controlPlanes: 1, workers: 1, pace: { boot: 60, settle: 60 } }),
    )
    await writeFile(join(directory, 'desk'), token)
    const { config, machine } = await createJoining(lab, directory, {
      way: 'maintenance',
      api: { tokens: [{ name: 'desk', scope: 'admin', token: { file: 'desk' } }] },
    })
    stack.use(machine)
    const daemon = stack.use(await startDaemon({ config, directory }))
    const details = () => daemon.control.get<MachineDetails>(`/machines/${claim.uuid}`)
    await daemon.control.post('/machine-secrets', { text: await lab.secrets() })
    await within('an image to be staged', async () => {
      return (await daemon.control.get<StatusAnswer>('/status')).published?.version === 'v1.13.9'
    })
    const seesKey = () =>
      within('the key to be seen', async () => {
        const seen = (await details().catch(() => undefined))?.maintenance?.fingerprint
        return seen !== undefined && seen === machine.fingerprint
      })

    machine.powerOn()
    await machine.becomes('maintenance')
    await seesKey()
    const { code } = await details()
    const browser = await startBrowser({})
    stack.defer(() => browser.close())
    const context = await browser.newContext({ viewport: phone, reducedMotion: 'reduce' })
    const { page, complaints } = await openPage(context)
    await page.goto(`${url}/sign-in?next=${encodeURIComponent(`/machines?code=${code}`)}`)
    await page.fill('input[name=token]', token)
    await page.click('button.main')

    await page.waitForSelector(`text=${machine.fingerprint}`)
    expect(await page.textContent('.notice.critical')).toContain('anybody on its network can read')
    // What it prints comes by itself, and what was typed stays.
    await page.fill('input[name=name]', 'w-9')
    await page.selectOption('select[name=role]', 'worker')
    const lines = async () => ((await page.textContent('.console')) ?? '').split('\n').length
    const before = await lines()
    expect(before).toBeGreaterThan(3)
    await machine.cutPower()
    machine.powerOn()
    await machine.becomes('maintenance')
    await within('its console to go on', async () => (await lines()) > before)
    expect(await page.inputValue('input[name=name]')).toBe('w-9')
    expect(await page.inputValue('select[name=role]')).toBe('worker')
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      expect(await findBarriers(page)).toEqual([])
    }
    expect(await overflowOf(page)).toBeLessThanOrEqual(0)

    await seesKey()
    const seen = machine.fingerprint!
    await page.press('button:has-text("Approve…")', 'Enter')
    const dialog = page.locator('#dialog')
    await dialog.locator(`text=${seen}`).waitFor()
    expect(await dialog.textContent()).toContain(`must show ${code}`)
    expect(await dialog.locator('pre').textContent()).toContain('1 monuser (secret) secondary')
    await machine.cutPower()
    machine.powerOn()
    await machine.becomes('maintenance')
    await seesKey()
    expect(machine.fingerprint).not.toBe(seen)
    await dialog.locator('button:has-text("Approve it")').click()
    await dialog.locator('.said').waitFor()
    expect(await dialog.textContent()).toContain(`has changed: compare its console with ${machine.fingerprint}`)
    const { state, approval } = await details()
    expect({ state, approval }).toEqual({ state: 'pending', approval: undefined })
    await page.keyboard.press('Escape')

    await page.press('button:has-text("Approve…")', 'Enter')
    await dialog.locator(`text=${machine.fingerprint}`).waitFor()
    await dialog.locator('button:has-text("Approve it")').click()
    await dialog.locator('.said').waitFor()
    expect(await dialog.textContent()).toContain('may have its configuration as worker w-9')
    await machine.becomes('installed')
    await page.locator('#live .badge:has-text("locked")').first().waitFor()
    expect(complaints).toEqual([])
    await context.close()
  })
})
