/** When the file of the audit trail is set aside, and how. */
export interface AuditRotation {
  /** Undefined: its size does not matter. */
  readonly maxBytes: number | undefined
  /** At the first line of a day, in UTC. */
  readonly daily: boolean
  /** What stands in the file already. */
  readonly begun: { readonly bytes: number; readonly time: number }
  /** Sets the file aside behind all lines so far; never throws. */
  rotate(time: number): void
}

const day = 86_400_000

/** Says when a rotation is due, by the lines that were written. */
export class RotationClock {
  private readonly rotation: AuditRotation
  private bytes: number
  private day: number

  constructor(rotation: AuditRotation) {
    this.rotation = rotation
    this.bytes = rotation.begun.bytes
    this.day = Math.floor(rotation.begun.time / day)
  }

  /** Whether the next line, of this time, belongs to another file. */
  isDue(time: number): boolean {
    if (this.bytes === 0) return false
    const { maxBytes, daily } = this.rotation
    if (maxBytes !== undefined && this.bytes >= maxBytes) return true
    // NaN, where nothing says when it was, is never another day
    return daily && Math.floor(time / day) > this.day
  }

  wrote(bytes: number, time: number): void {
    this.bytes += bytes
    const today = Math.floor(time / day)
    // a request that began yesterday does not turn the day back
    if (!(today <= this.day)) this.day = today
  }

  rotate(time: number): void {
    this.rotation.rotate(time)
    this.bytes = 0
    this.day = Math.floor(time / day)
  }
}
