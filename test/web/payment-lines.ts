/** `count` payments of one bank from number `from` on; amounts spread over two powers of ten, times `factor`. */
export const paymentLines = (from: number, count: number, factor: number): string =>
  Array.from({ length: count }, (_, i) => {
    const n = from + i
    return JSON.stringify({
      eventId: `payment-${n}`,
      kind: 'payment',
      applicantId: `paying-${n % 50}`,
      eventTime: '2006-11-01T00:00:00Z',
      producer: 'erring-bank',
      accountId: `account-${n % 50}`,
      amount: Math.round(1_000 * 100 ** ((n % 97) / 97)) * factor,
      currency: 'TWD',
      period: '2006-10',
    })
  }).join('\n')
