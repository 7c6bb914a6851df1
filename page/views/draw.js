import { View } from "../lib/view.js";

export class DrawView extends View {}
