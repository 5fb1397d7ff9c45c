import { expect, test } from 'vitest'
import { checkProxy } from '../../../src/services/proxy-dhcp/check.ts'
import { section } from '../../../src/services/proxy-dhcp/section.ts'
import { usualPorts } from '../../../src/services/proxy-dhcp/sockets.ts'
import { discover } from '../../core/netboot/dhcp/messages.ts'
import { holdPort } from '../../lab/port-holder.ts'
import { supervise } from '../../lab/supervised.ts'
import { patience } from '../../patience.ts'
import { freePorts, openProxy, ownAddress } from './loopback.ts'

interface Taken {
  readonly name: string
  readonly which: 'server' | 'proxy'
  readonly advice: string
}

const cases: readonly Taken[] = [
  { name: 'of DHCP', which: 'server', advice: 'let that tell machines what to boot, as `caretaker netboot recipe`' },
  { name: '4011', which: 'proxy', advice: 'stop that, if it is another server for booting' },
]

test.each(cases)(
  'port $name that another program has is named with it, and machines are answered once it is free',
  async ({ which, advice }) => {
    const ports = await freePorts()
    const holder = await holdPort('udp', ports[which], ownAddress)
    let opened: Awaited<ReturnType<typeof openProxy>>
    const it = await supervise('proxy-dhcp', async () => {
      opened = await openProxy({ ports })
      return opened
    })
    await expect
      .poll(it.down, patience)
      .toContain(`port ${ports[which]} of this machine is in use by node (process ${holder.pid}): ${advice}`)
    holder.kill('SIGKILL')
    await expect.poll(it.state, patience).toBe('running')
    await expect.poll(it.down, patience).toBeUndefined()
    await opened!.broadcast(discover())
    await expect.poll(() => opened.heard).toMatchObject([{ file: 'metal-amd64-uki.efi' }])
  },
)

test.each(cases)('the check names who has port $name, and finds nothing where nobody has', async ({ which }) => {
  const ports = { ...usualPorts, ...(await freePorts()), everywhere: '127.0.125.8' }
  const checked = () =>
    checkProxy(
      { section: section.parse({ listen: [ownAddress] })!, config: undefined!, files: { state: '/nowhere' } as never },
      ports,
    )
  expect(await checked()).toEqual([])
  const holder = await holdPort('udp', ports[which], ownAddress)
  expect(await checked()).toMatchObject([
    { setting: 'proxyDhcp.listen', why: expect.stringContaining(`is in use by node (process ${holder.pid})`) },
  ])
})
