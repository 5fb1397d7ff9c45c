import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { onTestFinished } from 'vitest'

const scripts = {
  udp: (port: number, address: string) => `require('dgram').createSocket('udp4').bind(${port}, '${address}')`,
  tcp: (port: number, address: string) => `require('net').createServer().listen(${port}, '${address}')`,
}

/** Another program that has a port to itself; it ends with the test. */
export async function holdPort(protocol: 'udp' | 'tcp', port: number, address: string): Promise<ChildProcess> {
  const script = `${scripts[protocol](port, address)}.once('listening', () => console.log('bound'))`
  const holder = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  return holder
}
