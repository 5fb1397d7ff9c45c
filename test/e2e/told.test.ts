import { expect, test } from 'vitest'
import type { Outage } from '../../src/core/power/outage.ts'
import { endStore, type LabDaemon, startDaemon, waitFor } from '../lab/daemon.ts'
import { type Homelab, startHomelab } from '../lab/homelab.ts'
import { startInternetLine } from '../lab/internet-line.ts'
import { startGotify } from '../lab/notify/gotify.ts'
import { startNtfy } from '../lab/notify/ntfy.ts'
import { temporaryFolder } from '../lab/process.ts'
import { startUpsdStandIn } from '../lab/upsd/stand-in.ts'

test('x', { timeout: 300_000 }, async () => {
    await using stack = new AsyncDisposableStack()
    const net = 206
    const folder = stack.use(await temporaryFolder())
    const directory = folder.path
    stack.defer(() => endStore(directory))
    const upsd = stack.use(await startUpsdStandIn({ address: `127.0.${net}.93` }))
    const ntfy = stack.use(await startNtfy({ address: `127.0.${net}.9` }))
    const gotify = stack.use(await startGotify({ address: `127.0.${net}.8`, token: 'secret' }))
    const line = stack.use(await startInternetLine(new URL(ntfy.url), { address: `127.0.${net}.10` }))
    const lab: Homelab = stack.use(
      await startHomelab({ net, controlPlanes: 1, workers: 2, nas: true, pace: { stop: 700, boot: 900, settle: 200 } }),
    )
    const config = await lab.writeConfig(directory, {
      ups: { host: upsd.address, port: upsd.port },
      upgrade: { enabled: false },
      power: { drainTimeout: '4s', shutdownTimeout: '6s', reserve: '1s' },
      notifications: { channels: {
        phone: { type: 'ntfy', server: `http://${line.host}`, topic: 'home' },
        tablet: { type: 'gotify', server: gotify.url, token: { file: 'ups-password' } },
      } },
    })
    let daemon: LabDaemon = stack.use(await startDaemon({ config, directory }))
    const start = async () => (daemon = stack.use(await startDaemon({ config, directory })))
    const outage = async () => (await daemon.control.get<Outage[]>('/outages').catch(() => []))[0]
    await waitFor('mains', 20_000, async () => JSON.stringify(await daemon.control.get('/power')).includes('on-mains'))
    line.set('silent')
    await upsd.set('battery.runtime', '900')
    await upsd.status('OB DISCHRG')
    await waitFor('the request', 20_000, () => line.connections > 0)
    await daemon.kill()
    await start()
    await upsd.status('OB DISCHRG LB')
    await waitFor('a node off', 20_000, () => lab.nodes.some(({power}) => power === 'off'))
    line.set('no-return')
    await waitFor('taken', 20_000, () => ntfy.messages.length > 0)
    await daemon.kill()
    line.set('cut')
    await start()
    await waitFor('off', 40_000, async () => (await outage())?.stage === 'stopped')
    await upsd.status('OL CHRG')
    await waitFor('over', 60_000, async () => (await outage())?.stage === 'over')
    line.set('up')
    await waitFor('digest', 60_000, () => ntfy.messages.some(({title}) => title?.includes('the cluster is back')), 50).catch(e => console.log(e))
    console.log(JSON.stringify(ntfy.messages, null, 1))
    console.log(JSON.stringify(gotify.messages, null, 1))
    console.log(daemon.output)
    console.log(JSON.stringify(await daemon.control.get('/journal?limit=100')))
})
