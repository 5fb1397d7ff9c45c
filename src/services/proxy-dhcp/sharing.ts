import type { AlertContent, Alerts } from '../../core/alert.ts'
import { whoListens } from '../../http/port-holder.ts'

/** That a DHCP server of this machine hears and answers as well. */
export const sharedAlert = 'netboot.shared-port'

/** In ms: who has which socket is looked up in every process. */
const usuallyEvery = 5 * 60_000

/** Tells whether the port is shared. Has looked once when it is returned: who shares it comes and goes, and we stay. */
export async function followSharing(
  alerts: Pick<Alerts, 'report'>,
  port: number,
  every: number = usuallyEvery,
): Promise<Disposable> {
  let isEnded = false
  const look = async () => {
    const shared = await sharedWith(port)
    if (!isEnded) alerts.report(sharedAlert, shared)
  }
  await look()
  const timer = setInterval(() => void look(), every).unref()
  return {
    [Symbol.dispose]: () => {
      isEnded = true
      clearInterval(timer)
    },
  }
}

/** Firmware sees two answers of one address then. */
async function sharedWith(port: number): Promise<AlertContent | undefined> {
  const holder = await whoListens(port, { protocol: 'udp', which: 'others' })
  if (!holder) return undefined
  const { name, pid } = holder
  return {
    severity: 'warning',
    subject: 'proxy-dhcp',
    text: `${name} (process ${pid}) listens on port ${port} of this machine as well: machines get two answers from one address`,
    action: `Let ${name} tell them what to boot, as \`caretaker netboot recipe dnsmasq\` says, and take proxyDhcp out; or run Caretaker on another machine`,
  }
}
