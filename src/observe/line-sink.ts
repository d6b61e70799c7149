/** Where finished lines go; must not throw. */
export interface LineSink {
  /** Takes a line with its newline; false where it was lost. */
  write(line: string): boolean
}

/** A sink that knows whether its lines arrive. */
export interface DurableSink extends LineSink {
  readonly healthy: boolean
  /** Lines lost since the start. */
  readonly lost: number
  /** True where nothing waits any more. */
  flush(): Promise<boolean>
}
