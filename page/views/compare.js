import { View } from "../lib/view.js";

export class CompareView extends View {}
