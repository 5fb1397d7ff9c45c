import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { expect, onTestFinished, test, vi } from 'vitest'
import { followSharing } from '../../../src/services/proxy-dhcp/sharing.ts'
import { createAlerts } from '../../../src/operations/alerts.ts'
import { memoryJournal } from '../../fakes/journal.ts'
import { patience } from '../../patience.ts'

const binds = `const socket = require('dgram').createSocket('udp4')
socket.bind(0, '127.0.0.1', () => console.log(socket.address().port))`

/** Another program that listens on a port of UDP. */
async function otherServer() {
  const child = spawn(process.execPath, ['-e', binds], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill())
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  return {
    port: Number(port.toString()),
    end: async () => {
      const ended = once(child, 'exit')
      child.kill()
      await ended
    },
  }
}

test.skipIf(process.platform !== 'linux')(
  'a server on the same port is one alert over restarts, and is settled when it is gone, also while nobody looked',
  async () => {
    const journal = memoryJournal()
    const start = () => createAlerts(journal, () => new Date())
    const first = await otherServer()
    const alerts = start()
    {
      using _ = await followSharing(alerts, first.port)
      expect(alerts.all).toMatchObject([{ id: 'netboot.shared-port', text: expect.stringContaining('process') }])
    }
    const again = start()
    const changes: string[] = []
    again.subscribe((_, change) => void changes.push(change))
    using _ = await followSharing(again, first.port, 5)
    expect(again.all).toMatchObject([{ since: alerts.all[0]!.since }])
    await first.end()
    await vi.waitFor(() => expect(changes).toEqual(['settled']), patience)

    const second = await otherServer()
    const third = start()
    const earlier = await followSharing(third, second.port)
    earlier[Symbol.dispose]()
    expect(third.all).toHaveLength(1)
    await second.end()
    const fourth = start()
    const later = await followSharing(fourth, second.port)
    later[Symbol.dispose]()
    expect(fourth.all).toEqual([])
  },
)
