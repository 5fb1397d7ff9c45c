import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import type { StatusAnswer } from '../../src/core/operator.ts'
import type { MachineDetails } from '../../src/core/provision/requests.ts'
import { createJoining, joiningClaim as claim } from '../e2e/joining-lab.ts'
import { endStore, startDaemon, waitFor } from './daemon.ts'
import { startHomelab } from './homelab.ts'
import { fetchFile } from './tftp-client.ts'

const host = '127.0.178.90'
const url = `http://${host}:8420`
const token = 'caretaker_desk-0123456789abcdef0123456789abcdef'
const image = 'metal-amd64-uki.efi'

export interface MachinePictures {
  readonly browser: Browser
  /** An empty folder. */
  readonly directory: string
  keep(page: Page, name: string): Promise<void>
}

/** Pictures of a machine that has booted our image and waits in maintenance: its boot, and what a person decides by. */
export async function takeMachines({ browser, directory, keep }: MachinePictures): Promise<void> {
  await using stack = new AsyncDisposableStack()
  stack.defer(() => endStore(directory))
  const lab = stack.use(await startHomelab({ net: 178, controlPlanes: 1, workers: 1 }))
  await writeFile(join(directory, 'desk'), token)
  const { config, machine } = await createJoining(lab, directory, {
    way: 'maintenance',
    api: { tokens: [{ name: 'desk', scope: 'admin', token: { file: 'desk' } }] },
    more: { bootFiles: { listen: [host], tftp: { port: 6_969 } } },
  })
  stack.use(machine)
  const daemon = stack.use(await startDaemon({ config, directory }))
  await daemon.control.post('/machine-secrets', { text: await lab.secrets() })
  await waitFor('the image', 30_000, async () => {
    return (await daemon.control.get<StatusAnswer>('/status')).published !== undefined
  })
  await fetchFile(image, {
    address: host,
    port: 6_969,
    from: machine.address,
    options: { tsize: '0', blksize: '1468', windowsize: '4' },
    probes: true,
  })
  await fetchFile(image, {
    address: host,
    port: 6_969,
    from: machine.address,
    options: { blksize: '1468', windowsize: '4' },
  })
  machine.powerOn()
  const seen = () => daemon.control.get<MachineDetails>(`/machines/${claim.uuid}`).catch(() => undefined)
  await waitFor('its key', 60_000, async () => {
    return machine.fingerprint !== undefined && (await seen())?.maintenance?.fingerprint === machine.fingerprint
  })
  const code = (await seen())?.code ?? ''
  for (const { name, path, viewport, colorScheme } of [
    { name: 'machine', path: `/machines?code=${code}`, viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
    { name: 'boots', path: '/boots', viewport: { width: 1280, height: 620 }, colorScheme: 'dark' },
  ] as const) {
    const context = await browser.newContext({ viewport, colorScheme })
    const page = await context.newPage()
    await page.goto(`${url}/sign-in?next=${encodeURIComponent(path)}`)
    await page.fill('input[name=token]', token)
    await page.click('button.main')
    await page.waitForSelector('#live:not([data-loading])')
    await page.waitForTimeout(1_200)
    await keep(page, name)
    await context.close()
  }
}
