/** A rule that must hold is broken: the search ends here. */
export class Violation extends Error {
  readonly rule: string;

  constructor(rule: string, detail: string) {
    super(`${rule}: ${detail}`);
    this.rule = rule;
  }
}

export function breakRule(rule: string, detail: string): never {
  throw new Violation(rule, detail);
}
