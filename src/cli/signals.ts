import type { RunningGateway } from '../gateway/start.js'

/** Resolves once the gateway has drained after SIGTERM or SIGINT; SIGHUP reloads, SIGUSR2 turns `debug` on and off. A second signal stops at once. */
export async function untilStopped(gateway: RunningGateway): Promise<void> {
  const hangup = (): void => {
    gateway.reopenAudit()
    void gateway.reload('signal')
  }
  const toggle = (): void => {
    gateway.toggleDebug()
  }
  process.on('SIGHUP', hangup)
  process.on('SIGUSR2', toggle)
  await new Promise<void>((resolve) => {
    let stopping = false
    const stop = (signal: NodeJS.Signals): void => {
      if (stopping) process.exit(1)
      stopping = true
      gateway.stop(signal).then(resolve, resolve)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
  process.off('SIGHUP', hangup)
  process.off('SIGUSR2', toggle)
}
