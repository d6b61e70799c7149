import type { RunningGateway } from '../gateway/start.js'

/**
 * Resolves once the gateway has drained after SIGTERM or SIGINT; SIGHUP reloads, SIGUSR2 turns `debug` on
 * and off. A second signal stops at once.
 *
 * A gateway that listens is not through with its start yet: signals that come before are kept until it is.
 * One that cannot start is told to whoever starts it, and no signal matters any more.
 */
export async function untilStopped(starting: Promise<RunningGateway>): Promise<void> {
  const whenStarted = (act: (gateway: RunningGateway) => void): void => {
    starting.then(act, () => undefined)
  }
  const hangup = (): void => {
    whenStarted((gateway) => {
      gateway.reopenAudit()
      void gateway.reload('signal')
    })
  }
  const toggle = (): void => {
    whenStarted((gateway) => {
      gateway.toggleDebug()
    })
  }
  process.on('SIGHUP', hangup)
  process.on('SIGUSR2', toggle)
  await new Promise<void>((resolve) => {
    let stopping = false
    const stop = (signal: NodeJS.Signals): void => {
      if (stopping) process.exit(1)
      stopping = true
      whenStarted((gateway) => {
        gateway.stop(signal).then(resolve, resolve)
      })
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
  process.off('SIGHUP', hangup)
  process.off('SIGUSR2', toggle)
}
