import type { TftpServer } from '../adapters/tftp/client.ts'
import { AgentError } from '../core/errors.ts'

/** `192.168.0.6`, `nas.lan:1069`, `[fd00::6]:69`. @throws AgentError `misconfigured` where none is set */
export function parseServer(text: string | undefined): TftpServer {
  if (text === undefined) throw new AgentError('misconfigured', 'share.server is not set')
  const [, bracketed, named, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? []
  const host = bracketed ?? named ?? text
  return port === undefined ? { host } : { host, port: Number(port) }
}
