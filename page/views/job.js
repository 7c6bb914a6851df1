import { View } from "../lib/view.js";

export class JobView extends View {}
