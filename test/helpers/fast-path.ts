/** False when the tests are to take the long way: with TEST_FAST_PATH=off. */
export const testFastPath: boolean = process.env.TEST_FAST_PATH !== "off";
