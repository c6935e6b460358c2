import type { Locator, Page } from "playwright-core";

/** The rows of the list of operations that are made at the moment. */
export const rows = (page: Page): Locator => page.locator("tr[data-name]");

/** The row of one operation, by its full name. */
export const rowOf = (page: Page, name: string): Locator => page.locator(`tr[data-name="${name}"]`);
