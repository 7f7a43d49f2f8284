// Two ways to count time. `ran` stands still while the tablet sleeps, `passed` does not: a page that was open when the tablet fell
// asleep is gone when it wakes, and a jump of the wall clock never makes a page seem to have been looked at for longer.

export type Now = { ran: number; passed: number };

export class Clock {
  private readonly ranSource: () => number;
  private readonly wallSource: () => number;
  private ran: number;
  private wall: number;
  private passed = 0;

  constructor(ranSource: () => number, wallSource: () => number) {
    this.ranSource = ranSource;
    this.wallSource = wallSource;
    this.ran = ranSource();
    this.wall = wallSource();
  }

  now(): Now {
    const ran = this.ranSource();
    const wall = this.wallSource();
    this.passed += Math.max(ran - this.ran, wall - this.wall, 0);
    this.ran = ran;
    this.wall = wall;
    return { ran, passed: this.passed };
  }
}

/** RFC 3339 with milliseconds in the hall's offset. */
export function rfc3339(ms: number): string {
  return new Date(ms + 8 * 3_600_000).toISOString().replace("Z", "+08:00");
}
