import type { VerificationAnswer } from '../core/release/verification.ts'
import { askOr, exit, type Options, print } from './shell.ts'

/** `caretaker staged --verify`. */
export async function verifyStaged(options: Options): Promise<number> {
  const answer: VerificationAnswer = await askOr(
    options,
    (daemon) => daemon.staged.verify.$post(),
    async (settings) => (await import('./direct.ts')).verifyDirectly(settings, AbortSignal.timeout(20 * 60_000)),
  )
  await print(options, answer, async () => (await import('./render-verification.ts')).renderVerification(answer))
  return answer.isWhole ? exit.ok : exit.failed
}
